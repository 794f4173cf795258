//! P2: the core without sockets, on one thread. Also the part of P3 that is the core's own.

use super::Settings;
use crate::core::Case;
use crate::payload::Format;
use crate::report::Report;

const KB: usize = 1024;
const MB: usize = 1024 * KB;

pub(super) fn measure_whole(_: &Settings, report: &mut Report) -> Result<(), String> {
    const ID: &str = "P2";
    let small = Case::Whole(Format::OpenAi, KB);
    let micros = small.nanos()? / 1000.0;
    let what = "one format, 1 KB prompt, whole answer: handle, read, settle";
    report.at_most(ID, what, 8.0, micros, "us", &counted(small.instructions(1000, 3000)))?;
    let mut times = Vec::new();
    for (bytes, name, few, many) in
        [(16 * KB, "16 KB", 200, 600), (256 * KB, "256 KB", 20, 60), (4 * MB, "4 MB", 2, 6)]
    {
        let case = Case::Whole(Format::OpenAi, bytes);
        let micros = case.nanos()? / 1000.0;
        times.push((bytes, micros * 1000.0));
        let figure = format!("{micros:.1} us{}", counted(case.instructions(few, many)));
        report.figure(ID, &format!("the same with a prompt of {name}"), figure)?;
    }
    if let [(few, quick), .., (many, slow)] = times.as_slice() {
        let slope = (slow - quick) / (many - few) as f64;
        report.at_most(ID, "each further byte of the prompt, 16 KB to 4 MB", 1.0, slope, "ns", "")?;
    }
    let case = Case::Whole(Format::Anthropic, KB);
    let remark = counted(case.instructions(1000, 3000));
    let what = "OpenAI's format to Anthropic's and back, 1 KB prompt, whole answer: handle, read, settle";
    report.at_most(ID, what, 15.0, case.nanos()? / 1000.0, "us", &remark)
}

/// P3 in-process: what one more token of a stream costs.
pub(super) fn measure_stream(report: &mut Report) -> Result<(), String> {
    const ID: &str = "P3";
    const MORE: u32 = 1000;
    type Tokens = fn(Format, u32) -> Case;
    let kinds: [(&str, Option<f64>, Format, Tokens); 4] = [
        ("own work a chunk, one format, in-process", Some(2.0), Format::OpenAi, Case::Stream),
        ("the same when 1,000 chunks come in one piece", None, Format::OpenAi, Case::Burst),
        (
            "own work a chunk, Anthropic's format to OpenAI's, in-process",
            Some(6.0),
            Format::Anthropic,
            Case::Stream,
        ),
        ("the same when 1,000 chunks come in one piece", None, Format::Anthropic, Case::Burst),
    ];
    for (what, budget, format, case) in kinds {
        let (short, long) = (case(format, 1), case(format, 1 + MORE));
        let micros = (long.nanos()? - short.nanos()?) / f64::from(MORE) / 1000.0;
        let both = short.instructions(20, 60).zip(long.instructions(20, 60));
        let each = both.map(|(short, long)| (long - short) / f64::from(MORE));
        match budget {
            Some(budget) => report.at_most(ID, what, budget, micros, "us", &counted(each))?,
            None => report.figure(ID, what, format!("{micros:.2} us{}", counted(each)))?,
        }
    }
    Ok(())
}

fn counted(instructions: Option<f64>) -> String {
    instructions
        .map_or_else(String::new, |count| format!(" ({} instructions)", grouped(count.round() as u64)))
}

/// A number with its thousands set apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
