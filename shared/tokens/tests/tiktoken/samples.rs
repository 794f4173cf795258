//! Short texts, written for these tests: languages and scripts, and what programs write.

/// By language.
pub(crate) const LANGUAGES: &[(&str, &str)] = &[
    (
        "English",
        "It's a quiet morning; the baker hasn't opened yet, and I'd rather wait than walk home. We'll share 3 rolls (1,250 g) at 07:45, won't we? \"They're fresh!\" she'd say. THE SHOP'S SIGN SAYS: DON'T KNOCK.",
    ),
    (
        "German",
        "Übermorgen fährt die Straßenbahn wieder bis zum Güterbahnhof, sofern die Gleise größtenteils geräumt sind. Das Fräulein vom Amt sagte: „Geht’s Ihnen gut?“ STRASSE, GROẞ.",
    ),
    (
        "French",
        "L’été dernier, nous avons mangé des crêpes près de l'église; ça n'a coûté que 12,50 €. « Qu'est-ce que c'est ? » demanda-t-elle à Noël.",
    ),
    (
        "Spanish",
        "¿Dónde está la biblioteca? El niño comió una manzana y después corrió por el jardín. ¡Qué día tan hermoso! Mañana será otro año.",
    ),
    (
        "Portuguese",
        "A canção que ouvimos ontem não saiu da minha cabeça; amanhã voltaremos à estação com os irmãos João e Conceição.",
    ),
    (
        "Italian",
        "Perché non vieni a cena? C'è una città lassù, dov'era l'università, e il caffè è già pronto.",
    ),
    (
        "Dutch",
        "De zee was 's avonds rustig; hij heeft z'n fiets naast het IJ gezet en koeien geteld tot één uur.",
    ),
    (
        "Polish",
        "Zażółć gęślą jaźń, powiedział żołnierz, a źdźbło trawy drżało na wietrze. Łódź jest większa niż Gdynia.",
    ),
    ("Czech", "Příliš žluťoučký kůň úpěl ďábelské ódy, zatímco měsíc svítil nad řekou. Děkuji, nashledanou!"),
    (
        "Hungarian",
        "Az őszi szélben fázós űrhajósok gyűltek össze, hogy megünnepeljék a győzelmüket a tűző napon.",
    ),
    (
        "Turkish",
        "İstanbul'da yağmur yağıyor, ama çocuklar ışıklı sokaklarda koşuyor. IĞDIR güzel bir şehirdir, değil mi?",
    ),
    (
        "Finnish",
        "Lähdetäänkö yöllä järvelle? Epäjärjestelmällistyttämättömyydelläänsäkään hän ei pärjännyt äidilleen.",
    ),
    (
        "Icelandic",
        "Það er kalt á fjöllunum í dag, en þú ættir að fá þér heitt kakó og lesa góða bók á meðan.",
    ),
    ("Vietnamese", "Hôm nay trời đẹp quá, chúng tôi đi dạo quanh hồ rồi ăn phở ở quán gần nhà ông ngoại."),
    (
        "Indonesian",
        "Anak-anak bermain layang-layang di pantai, sementara ibunya membeli ikan segar seharga Rp25.000.",
    ),
    ("Swahili", "Watoto wanacheza mpira uwanjani, na mama anapika chakula kitamu nyumbani kwake jioni hii."),
    ("Yoruba", "Ọmọ náà ń lọ sí ilé ìwé ní òwúrọ̀ kùtùkùtù, ó sì ń kọrin ayọ̀ lójú ọ̀nà."),
    ("Greek", "Η θάλασσα ήταν ήσυχη το πρωί και οι ψαράδες γύριζαν στο λιμάνι. «Πού πας;» ρώτησε ο ΓΙΑΝΝΗΣ."),
    (
        "Russian",
        "Вчера вечером шёл сильный дождь, поэтому мы остались дома и пили чай с вареньем. ЧТО БУДЕТ ЗАВТРА? №5",
    ),
    (
        "Ukrainian",
        "Їжак біжить лісом, а ґава сидить на гілці й слухає вітер. П'ять років тому тут росла яблуня.",
    ),
    ("Bulgarian", "Щъркелите се върнаха рано тази пролет и свиха гнездо върху стария комин на училището."),
    ("Serbian", "Љубичаста њива шири се иза куће, а џак брашна стоји поред врата. Đak čita knjigu."),
    ("Georgian", "დღეს კარგი ამინდია და ბავშვები ეზოში თამაშობენ. ᲡᲐᲥᲐᲠᲗᲕᲔᲚᲝ ლამაზი ქვეყანაა."),
    ("Armenian", "Այսօր եղանակը լավ է, և երեխաները խաղում են բակում։ ՀԱՅԱՍՏԱՆ, ինչպե՞ս ես։"),
    ("Hebrew", "הילדים משחקים בחצר, וסבתא אופה עוגה. מה השעה? בְּרֵאשִׁית הָיָה יוֹם יָפֶה."),
    ("Arabic", "ذهبت أمس إلى السوق واشتريت خبزًا وتفاحًا بسعر ٢٥ درهمًا، ثم عدتُ إلى البيت مُسرعًا. كيف حالك؟"),
    ("Persian", "هوا امروز آفتابی است و می‌خواهم با دوستانم به پارک بروم؛ ساعت ۱۲:۳۰ می‌رسیم."),
    ("Urdu", "آج موسم بہت خوشگوار ہے اور بچے باغ میں کھیل رہے ہیں۔ کیا آپ چائے پیئیں گے؟"),
    ("Hindi", "आज मौसम बहुत अच्छा है, इसलिए हम सब बगीचे में घूमने गए। क्या आप ५ बजे आएँगे? ज़रूर!"),
    ("Marathi", "पावसाळ्यात डोंगर हिरवेगार होतात आणि धबधबे जोरात वाहतात, म्हणून लोक सहलीला जातात."),
    ("Bengali", "আজ সকালে নদীর ধারে হাঁটতে গিয়ে একটি মাছরাঙা দেখলাম। তুমি কি ১০টায় আসবে?"),
    ("Punjabi", "ਅੱਜ ਖੇਤਾਂ ਵਿੱਚ ਕਣਕ ਪੱਕ ਗਈ ਹੈ ਅਤੇ ਸਾਰੇ ਖੁਸ਼ ਹਨ।"),
    ("Gujarati", "આજે બજારમાં તાજાં શાકભાજી મળ્યાં અને અમે સાંજે ખીચડી બનાવી."),
    ("Tamil", "இன்று காலை மழை பெய்தது, அதனால் குழந்தைகள் வீட்டிலேயே விளையாடினார்கள். நன்றி!"),
    ("Telugu", "ఈ రోజు ఉదయం మేము చెరువు దగ్గరకు వెళ్లి పక్షులను చూశాము."),
    ("Kannada", "ಇಂದು ಬೆಳಿಗ್ಗೆ ತೋಟದಲ್ಲಿ ಹೂವುಗಳು ಅರಳಿವೆ, ಮಕ್ಕಳು ಸಂತೋಷವಾಗಿದ್ದಾರೆ."),
    ("Malayalam", "ഇന്ന് രാവിലെ പുഴയിൽ കുളിക്കാൻ പോയി, പിന്നെ ചായ കുടിച്ചു."),
    ("Sinhala", "අද උදේ වැසි වැටුණත් ළමයි පාසලට ගියා."),
    ("Thai", "วันนี้อากาศดีมาก เด็กๆ เล่นอยู่ในสวน ส่วนคุณยายกำลังทำกับข้าว ราคา ๕๐ บาท"),
    ("Lao", "ມື້ນີ້ອາກາດດີ ພວກເຮົາໄປຕະຫຼາດຊື້ໝາກໄມ້."),
    ("Burmese", "ဒီနေ့ ရာသီဥတု သာယာတယ်၊ ကလေးတွေ ကစားနေကြတယ်။"),
    ("Khmer", "ថ្ងៃនេះអាកាសធាតុល្អណាស់ ក្មេងៗកំពុងលេងនៅក្នុងសួន។"),
    ("Tibetan", "དེ་རིང་གནམ་གཤིས་ཡག་པོ་འདུག ང་ཚོ་ཕྱི་ལ་འགྲོ།"),
    ("Amharic", "ዛሬ አየሩ ጥሩ ነው፤ ልጆቹ በግቢው ውስጥ ይጫወታሉ።"),
    ("Cherokee", "ᎣᏏᏲ, ᏙᎯᏧ? ꭳꮟꮿ ᏣᎳᎩ ᎦᏬᏂᎯᏍᏗ."),
    ("Inuktitut", "ᐅᓪᓗᒥ ᓯᓚ ᐱᐅᔪᖅ, ᓄᑕᖅᑲᑦ ᐱᙳᐊᖅᑐᑦ."),
    ("Mongolian", "Өнөөдөр тэнгэр цэлмэг, хүүхдүүд гадаа тоглож байна. ᠮᠣᠩᠭᠣᠯ ᠪᠢᠴᠢᠭ"),
    (
        "Chinese",
        "今天早上下了一场大雨，孩子们只好待在家里读书。“你几点回来？”妈妈问。我说：“大概下午5点半吧！”价格是￥128.50元。",
    ),
    ("Chinese, traditional", "臺北的夜市總是很熱鬧，我們點了兩碗牛肉麵和一杯珍珠奶茶，總共兩百八十元。"),
    (
        "Japanese",
        "昨日は雨だったので、図書館でコーヒーを飲みながら小説を読みました。「明日はどうする?」とｶﾅさんが聞いた。２０２６年１１月。",
    ),
    (
        "Korean",
        "오늘 아침에는 안개가 짙어서 산이 보이지 않았습니다. 점심으로 김치찌개를 먹을까요? 가격은 9,000원이에요ㅋㅋㅋ",
    ),
    ("Esperanto", "Ĉu vi ŝatas ĝardenojn? Eĥoŝanĝo ĉiuĵaŭde okazas malantaŭ la domo."),
    ("Gothic and hieroglyphs", "𐌼𐌰𐌲 𐌲𐌻𐌴𐍃 𓀀𓂀𓃭 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝟙𝟚𝟛 𐐀𐐨 𞤀𞤢"),
    ("Emoji", "Great job 👍🏽!!! 👩‍👩‍👧‍👦 went to 🇯🇵🗼 & ate 🍣🍣🍣 … ❤️‍🔥 ☕️ 1️⃣2️⃣3️⃣ ¯\\_(ツ)_/¯ (╯°□°)╯︵ ┻━┻"),
    (
        "Mathematics",
        "∀ε>0 ∃δ>0: |x−x₀|<δ ⇒ |f(x)−f(x₀)|<ε; ∑ᵢ₌₁ⁿ i² = n(n+1)(2n+1)/6 ≈ ⅓n³, ∮E·dl = −dΦ/dt, Å, µm, Ω",
    ),
];

/// By what writes them.
pub(crate) const NOTATIONS: &[(&str, &str)] = &[
    (
        "Rust",
        "impl<'a, T: Into<String>> Named<'a> for Vec<T> {\n    fn name(&self, at: usize) -> Option<&'a str> {\n        self.get(at).map(|item| &*item.label)?.strip_prefix(\"x::\")\n    }\n}\n\n#[test]\nfn it_works() { assert_eq!(2u64.pow(10), 0x400); }\n",
    ),
    (
        "Python",
        "def totals(rows: list[dict[str, int]], *, key=\"n\") -> int:\n    \"\"\"Adds up what isn't None.\"\"\"\n    return sum(r[key] for r in rows if r.get(key) is not None)\n\n\nif __name__ == \"__main__\":\n\tprint(f\"{totals([{'n': 1}, {'n': 41}])=:>10}\")\n",
    ),
    (
        "JavaScript",
        "export const fetchAll = async (urls) => {\n  const all = await Promise.all(urls.map(u => fetch(`${u}?t=${Date.now()}`)));\n  return all.filter(r => r.ok && r.status !== 204).length ?? 0; // don't throw\n};\r\n",
    ),
    (
        "C",
        "#include <stdio.h>\n\n/* swap */\nstatic inline void swap(int *a, int *b) { int t = *a; *a = *b; *b = t; }\n\nint main(int argc, char **argv)\n{\n\tfor (int i = 0; i < argc; ++i)\n\t\tprintf(\"%d:\\t%s\\n\", i, argv[i]);\n\treturn 0;\n}\n",
    ),
    (
        "Go",
        "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tch := make(chan int, 8)\n\tgo func() { defer close(ch); for i := range 8 { ch <- i<<2 } }()\n\tfor v := range ch { fmt.Printf(\"%04x \", v) }\n}\n",
    ),
    (
        "Java",
        "@Override\npublic synchronized Map<String, List<Integer>> groupByNameAndId(final Collection<? extends Row> rows) throws IOException {\n    return rows.stream().collect(Collectors.groupingBy(Row::getName));\n}\n",
    ),
    (
        "SQL",
        "SELECT u.id, COUNT(*) AS n FROM users u LEFT JOIN orders o ON o.user_id = u.id\nWHERE u.email LIKE '%@example.com' AND o.total >= 19.99 GROUP BY 1 HAVING n > 3 ORDER BY n DESC; -- top\n",
    ),
    (
        "Shell",
        "#!/bin/sh\nset -eu\nfor f in ./*.txt; do\n  [ -f \"$f\" ] || continue\n  sed -e 's/\\r$//' \"$f\" | awk -F'\\t' '{ s += $3 } END { print s }' >> \"${OUT:-/tmp/out}\" 2>&1\ndone\n",
    ),
    (
        "HTML",
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Caf&eacute; &amp; more</title></head>\n<body class=\"a b-c\"><p style='color:#ff8800'>It's <b>bold</b>&nbsp;text.</p></body></html>\n",
    ),
    (
        "CSS",
        ".card > li:nth-child(2n+1)::before { content: \"\\201C\"; margin: 0 -1.5rem calc(100% - 3px); }\n@media (max-width: 600px) { .card { display: none !important } }\n",
    ),
    (
        "JSON",
        "{\"id\":\"chatcmpl-9x\",\"object\":\"chat.completion\",\"created\":1732190000,\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"Hi\\nthere \\u00e9\",\"tool_calls\":null},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":12,\"total_tokens\":15}}",
    ),
    (
        "JSON, indented",
        "{\n  \"name\": \"search\",\n  \"parameters\": {\n    \"type\": \"object\",\n    \"properties\": {\n      \"query\": { \"type\": \"string\", \"maxLength\": 800 }\n    },\n    \"required\": [\"query\"]\n  }\n}\n",
    ),
    (
        "YAML",
        "services:\n  web:\n    image: \"nginx:1.27\"\n    ports: [\"8080:80\", '443:443']\n    environment: &env\n      - KEY=va lue\n      - EMPTY=\n  db: { <<: *env, restart: unless-stopped }\n",
    ),
    (
        "Markdown",
        "# Title\n\nSome *emphasis*, **bold**, `code` and a [link](https://example.com/a?b=c&d=%20e#f).\n\n- one\n  - two\n    1. three\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n> quoted\n\n```rust\nlet x = 1;\n```\n\n---\n",
    ),
    (
        "Log",
        "2026-11-21T13:50:00.123Z INFO  [req-7f3a] GET /v1/models 200 12.5ms ip=10.0.0.1 ua=\"curl/8.5.0\"\n2026-11-21T13:50:01.004Z ERROR [req-7f3b] upstream timed out after 30000ms (attempt 2/3)\n\tat handler (server.js:120:17)\n\tat process._tickCallback\n",
    ),
    (
        "CSV",
        "id,name,score,when\r\n1,\"Smith, Jo\",98.6,2026-01-02\r\n2,Müller,,\r\n3,'; DROP TABLE x;--,-1e-9,NaN\r\n",
    ),
    (
        "Base64 and hex",
        "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg== deadbeef0123456789abcdef sha256:e3b0c44298fc1c149afbf4c8996fb924",
    ),
    (
        "Diff",
        "--- a/x.rs\n+++ b/x.rs\n@@ -1,4 +1,4 @@\n fn main() {\n-    println!(\"a\");\n+\tprintln!(\"b\");\n }\n\\ No newline at end of file\n",
    ),
    (
        "Regular expressions and paths",
        "^(?:[A-Za-z_]\\w*|\\d{1,3}(?:\\.\\d+)?)$ /usr/local/lib/python3.11/site-packages C:\\Users\\me\\Desktop \\\\server\\share ~/.config/*.toml //comment\n//\n///",
    ),
    (
        "TeX",
        "\\begin{equation}\\label{eq:e}\n  \\int_{0}^{\\infty} e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2} \\quad\\text{(it's known)}\n\\end{equation}\n%%%%%%%%\n",
    ),
    (
        "White space",
        "a \n b  \n\n c   \n\n\n   d\t\te\r\n\r\n  \r\n f    g\u{a0}\u{a0}h\u{3000}i \u{2003} j\u{200b}k\n\n\n\n\n\n\n\nend      ",
    ),
    (
        "Names and numbers",
        "parseHTTPResponseV2 XMLHttpRequest snake_case_name SCREAMING_SNAKE kebab-case-x1 0xFFEE 1_000_000 3.14159e-10 192.168.0.1 v1.2.3-rc.4 12345678901234567890 +49-30-1234567",
    ),
];
