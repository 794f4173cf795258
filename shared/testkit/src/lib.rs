//! A fake host with a virtual clock, and a scripted upstream.
