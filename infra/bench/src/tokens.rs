//! Texts to count the tokens of, and a process that does so once, to see what the first time costs.

use std::fs;
use std::hint::black_box;
use std::time::Instant;

use postern_tokens::Encoding;

/// A kind of text, and one of about 64 KB of it.
pub(crate) struct Kind {
    /// What it is.
    pub(crate) name: &'static str,
    /// What one is repeated from.
    unit: &'static str,
    /// Whether the budget names it.
    pub(crate) in_budget: bool,
}

const CHINESE: &str = "清晨的集市已经热闹起来，卖菜的大婶一边整理摊位一边和邻居聊天。今年的雨水比往年多，稻田里的水位一直很高，农民们担心收成会受到影响。镇上的小学最近新建了一座图书馆，孩子们放学以后都喜欢去那里看书。李老师说：“读书不仅能增长知识，还能让人变得更加宽容。”从技术的角度来看，这套系统由三个部分组成：数据采集、模型训练以及结果评估。我们在2026年的测试中发现，响应时间平均缩短了百分之四十，但是内存占用有所增加。为了解决这个问题，工程师重新设计了缓存结构，并且把不常用的数据移到了磁盘上。";
const JAPANESE: &str = "駅前の小さな喫茶店では、毎朝焼きたてのパンの香りが漂っている。店主の田中さんは三十年前にこの店を開き、今でも一人で切り盛りしている。「コーヒーは急いで淹れるものではない」というのが彼の口癖だ。新しいシステムを導入した結果、処理速度は約二倍になったが、メモリの使用量も増えてしまった。";
const RUSSIAN: &str = "На окраине города стоит старая мастерская, где до сих пор чинят часы. Мастер работает медленно, но никто не жалуется: каждая деталь возвращается на своё место. В новом отчёте говорится, что время ответа сократилось на сорок процентов, хотя потребление памяти немного выросло. ";
const HINDI: &str = "गाँव के बाहर एक पुराना बरगद का पेड़ है, जिसके नीचे शाम को लोग इकट्ठा होते हैं। नई प्रणाली से काम पहले से तेज़ हो गया है, लेकिन स्मृति की खपत थोड़ी बढ़ गई है। ";
const JSON: &str = r#"{"id":"evt_48213","type":"order.updated","created":1763731200,"data":{"order":{"number":"A-20931","total":129.95,"currency":"EUR","lines":[{"sku":"KX-77","quantity":2,"title":"Desk lamp, black"},{"sku":"PB-05","quantity":1,"title":"Notebook \u00b7 A5"}],"customer":{"name":"Jo Larsen","email":"jo@example.com","verified":true,"notes":null}}}}
"#;

/// All kinds.
pub(crate) const KINDS: &[Kind] = &[
    Kind { name: "English", unit: include_str!("../../../docs/architecture.md"), in_budget: true },
    Kind { name: "code", unit: include_str!("core/mod.rs"), in_budget: true },
    Kind { name: "Chinese", unit: CHINESE, in_budget: true },
    Kind { name: "Japanese", unit: JAPANESE, in_budget: false },
    Kind { name: "Russian", unit: RUSSIAN, in_budget: false },
    Kind { name: "Hindi", unit: HINDI, in_budget: false },
    Kind { name: "JSON", unit: JSON, in_budget: false },
];

impl Kind {
    /// A text of at least 64 KB.
    pub(crate) fn text(&self) -> String {
        self.unit.repeat((64 << 10) / self.unit.len() + 1)
    }
}

/// Texts that are hard to count, of so many bytes.
pub(crate) fn worst(size: usize) -> [(&'static str, String); 6] {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state
    };
    let letters = (0..size).map(|_| char::from(b'a' + (next() % 26) as u8)).collect();
    let bytes: Vec<u8> = (0..size).map(|_| (next() >> 8) as u8).collect();
    [
        ("one letter", "a".repeat(size)),
        ("spaces", " ".repeat(size)),
        ("emoji", "😀".repeat(size / 4)),
        ("one Chinese character", "中".repeat(size / 3)),
        ("random letters", letters),
        ("random bytes", String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

/// The names of the encodings that have a table.
pub(crate) const ENCODINGS: [(&str, Encoding); 2] =
    [("o200k_base", Encoding::O200kBase), ("cl100k_base", Encoding::Cl100kBase)];

/// `first`: prints how many nanoseconds the first count of the process takes. `peak NUMBER`: counts that worst case of a
/// megabyte and prints by how many bytes the most that was resident grew.
pub(crate) fn command(args: &[String]) -> Result<(), String> {
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["first"] => {
            let text =
                "What's the weather in Zürich like? 天气怎么样？ fn main() { println!(\"{}\", 12345); }";
            let begun = Instant::now();
            let counts = ENCODINGS.map(|(_, encoding)| encoding.count(black_box(text)));
            let time = begun.elapsed();
            black_box(counts);
            println!("{}", time.as_nanos());
            Ok(())
        }
        ["peak", number] => {
            let number: usize = number.parse().map_err(|_| "peak: which number?")?;
            let [.., (_, text)] = &worst(1 << 20)[..=number.min(5)] else { return Ok(()) };
            // The most from here on: the texts took their own.
            fs::write("/proc/self/clear_refs", "5")
                .map_err(|error| format!("/proc/self/clear_refs: {error}"))?;
            let before = peak()?;
            black_box(Encoding::O200kBase.count(text));
            println!("{}", peak()? - before);
            Ok(())
        }
        _ => Err("tokens: first, or peak NUMBER".to_owned()),
    }
}

/// The most that was resident in this process, in bytes.
fn peak() -> Result<u64, String> {
    let status =
        fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc/self/status: {error}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kilobytes.map(|kilobytes| kilobytes * 1024).ok_or("no VmHWM".to_owned())
}
