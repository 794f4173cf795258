//! Images, sound, files and batches, through the core on a fake host.

mod answers;
mod files;
mod forms;
mod site;
