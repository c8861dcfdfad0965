//! Writes the data of `examples/refunds`: refund requests of an invented shop, some of them abusive.
//!
//! The rows are drawn from a fixed seed with plain arithmetic alone (no logarithm, no sine, whose last digits differ
//! between systems), so that every machine writes the same bytes.
//!
//! How a row comes about: the shop and its customers are drawn first; a product of odds ([`odds_of_abuse`]) then decides
//! whether the request is abusive; the wording of the reason follows from that, loosely. No single column says much.
//! What tells is how columns go together: a large amount *and* a young account, many refunds *in* some categories, a
//! defect that this kind of item cannot have. Over the year the habits of abusers drift.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

/// How many requests are drawn.
const N_ROWS: usize = 6_000;
const SEED: u64 = 20_250_101;

/// Writes `refunds.csv` into `dir`, which must exist.
pub(crate) fn write(dir: &Path) -> io::Result<()> {
    std::fs::write(dir.join("refunds.csv"), csv())
}

/// A kind of item, what the shop sells of it, and what can be wrong with it.
struct Category {
    name: &'static str,
    /// Items with their usual price.
    items: &'static [(&'static str, f64)],
    /// Defects that no other category's items have.
    defects: &'static [&'static str],
}

const CATEGORIES: [Category; 7] = [
    Category {
        name: "electronics",
        items: &[("headphones", 120.0), ("tablet", 390.0), ("camera", 640.0), ("speaker", 85.0), ("phone", 720.0)],
        defects: &[
            "it does not charge any more",
            "the screen flickers",
            "it loses the wireless connection every minute",
            "the battery is empty after an hour",
            "it will not turn on",
        ],
    },
    Category {
        name: "fashion",
        items: &[("jacket", 140.0), ("dress", 95.0), ("sneakers", 110.0), ("jeans", 70.0), ("coat", 230.0)],
        defects: &[
            "it is too tight around the shoulders",
            "the zip is broken",
            "a seam came apart",
            "the colour came off in the first wash",
            "the size is wrong",
        ],
    },
    Category {
        name: "grocery",
        items: &[("coffee box", 24.0), ("cheese selection", 32.0), ("wine case", 68.0), ("spice set", 18.0)],
        defects: &[
            "it was past its date",
            "the seal was open and it smelled off",
            "it arrived melted",
            "a jar had leaked over the rest",
            "there was mould under the lid",
        ],
    },
    Category {
        name: "home",
        items: &[("lamp", 60.0), ("armchair", 310.0), ("rug", 130.0), ("bookcase", 180.0), ("pan set", 90.0)],
        defects: &[
            "one leg is shorter than the others",
            "the veneer peels off at the edge",
            "a screw was missing and it wobbles",
            "the coating came off while cooking",
            "it sheds fibres all over the floor",
        ],
    },
    Category {
        name: "toys",
        items: &[("building set", 55.0), ("puzzle", 22.0), ("doll", 34.0), ("race track", 75.0)],
        defects: &[
            "two bags of bricks were missing",
            "the last piece of the picture was not in the box",
            "an arm fell off on the first day",
            "the cars jump off the track",
            "the paint comes off and my son is two",
        ],
    },
    Category {
        name: "books",
        items: &[("cookbook", 35.0), ("novel", 14.0), ("atlas", 60.0), ("box set", 80.0)],
        defects: &[
            "thirty pages are printed twice",
            "the spine broke when I opened it",
            "it is the edition in another language",
            "the pages are stuck together",
            "the cover is torn",
        ],
    },
    Category {
        name: "beauty",
        items: &[("perfume", 88.0), ("hair dryer", 130.0), ("skin cream", 46.0), ("make-up set", 65.0)],
        defects: &[
            "my skin turned red after using it",
            "the pump does not work and nothing comes out",
            "it smells different from the one I know",
            "the powder was crushed",
            "the bottle was half empty",
        ],
    },
];

/// Reasons that fit any item.
const ANY_ITEM: [&str; 10] = [
    "it never arrived, although the tracking says so",
    "I changed my mind",
    "it arrived damaged",
    "it does not look like the picture",
    "I found it cheaper elsewhere",
    "I ordered it twice by mistake",
    "it came two weeks late and I had bought another by then",
    "you sent the wrong one",
    "I am not happy with the quality",
    "it is not what I expected",
];

/// Reasons that fit gifts.
const GIFT: [&str; 4] = [
    "it was a present and she has one already",
    "the birthday it was for is over",
    "my brother got the same from someone else",
    "the person I gave it to cannot use it",
];

const OPENINGS: [&str; 10] = [
    "",
    "",
    "Hello, ",
    "Hi, ",
    "Good morning, ",
    "To whom it may concern: ",
    "Second request: ",
    "Please help, ",
    "As I said on the phone, ",
    "Sorry to bother you, but ",
];

const CLOSINGS: [&str; 10] = [
    "",
    "",
    " Thanks.",
    " Please send me a label for the return.",
    " I would take a replacement too.",
    " Photos are attached.",
    " I can bring it to the shop.",
    " Kind regards.",
    " The box is still here.",
    " What do I have to do?",
];

/// Closings of people in a hurry, honest or not.
const PRESSURE: [&str; 6] = [
    " I need the money today.",
    " I threw it away, so there is nothing to send back.",
    " Otherwise I will dispute the charge at my bank.",
    " Refund to another card please, the old one is blocked.",
    " I am a loyal customer and expect this to be quick!",
    " My lawyer knows about this.",
];

const COUNTRIES: [(&str, f64); 8] =
    [("DE", 0.30), ("FR", 0.17), ("NL", 0.13), ("GB", 0.12), ("IT", 0.10), ("ES", 0.08), ("PL", 0.06), ("SE", 0.04)];
const PAYMENTS: [(&str, f64); 5] =
    [("card", 0.46), ("wallet", 0.24), ("bank_transfer", 0.13), ("gift_card", 0.09), ("pay_later", 0.08)];
/// Shares of the categories, in their order.
const CATEGORY_SHARES: [f64; 7] = [0.20, 0.27, 0.12, 0.14, 0.09, 0.08, 0.10];

/// A request without its reason and without a verdict.
struct Request {
    /// Share of the year that has passed, in [0, 1).
    season: f64,
    category_idx: usize,
    item: &'static str,
    amount: f64,
    days_since_purchase: u32,
    /// None for guests, of whom nothing is known.
    customer: Option<Customer>,
    country: &'static str,
    payment: &'static str,
    is_gift: bool,
}

struct Customer {
    account_age_days: u32,
    refunds_90d: u32,
}

fn csv() -> String {
    let mut rng = Rng(SEED);
    let mut csv = "requested_at,amount,item_category,days_since_purchase,customer_refunds_90d,account_age_days,\
                   shipping_country,payment_method,reason,is_gift,abusive\n"
        .to_owned();
    for row_idx in 0..N_ROWS {
        // One request in each of N_ROWS equal slices of the year, so that the rows are in order of time.
        let season = (row_idx as f64 + rng.unit()) / N_ROWS as f64;
        let request = draw_request(season, &mut rng);
        let odds = odds_of_abuse(&request);
        let is_abusive = rng.chance(odds / (1.0 + odds));
        let reason = draw_reason(&request, is_abusive, &mut rng);
        // Some abuse is never found out, and a few honest customers are blamed.
        let verdict = if is_abusive { !rng.chance(0.06) } else { rng.chance(0.003) };
        let country = if rng.chance(0.02) { "" } else { request.country };
        let known = |of: fn(&Customer) -> u32| request.customer.as_ref().map_or(String::new(), |c| of(c).to_string());
        let _ = writeln!(
            csv,
            "{},{:.2},{},{},{},{},{},{},{},{},{}",
            timestamp(season),
            request.amount,
            CATEGORIES[request.category_idx].name,
            request.days_since_purchase,
            known(|c| c.refunds_90d),
            known(|c| c.account_age_days),
            country,
            request.payment,
            quoted(&reason),
            request.is_gift,
            verdict,
        );
    }
    csv
}

fn draw_request(season: f64, rng: &mut Rng) -> Request {
    let category_idx = rng.weighted(CATEGORY_SHARES.iter().copied());
    let (item, price) = *rng.pick(CATEGORIES[category_idx].items);
    let quantity = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 3.0][rng.below(9)];
    let amount = price * quantity * (0.75 + 0.5 * rng.unit());
    let customer = (!rng.chance(0.08)).then(|| {
        let is_new = rng.chance(0.25);
        let age = if is_new { 60.0 * rng.unit() } else { 60.0 + 2_500.0 * rng.unit() * rng.unit() };
        // A few customers return much of what they buy.
        let most = if rng.chance(0.15) { 9.0 } else { 2.5 };
        Customer { account_age_days: age as u32, refunds_90d: (most * rng.unit() * rng.unit()).round() as u32 }
    });
    // Most requests come in the first days; some wait for the last of the thirty that the shop allows.
    let waited = if rng.chance(0.15) { 22.0 + 9.0 * rng.unit() } else { 30.0 * rng.unit() * rng.unit() };
    Request {
        season,
        category_idx,
        item,
        amount,
        days_since_purchase: waited as u32,
        customer,
        country: rng.weighted_name(&COUNTRIES),
        payment: rng.weighted_name(&PAYMENTS),
        is_gift: rng.chance(0.12),
    }
}

/// The odds that a request is abusive: a base that creeps up over the year, times what the columns say together.
fn odds_of_abuse(request: &Request) -> f64 {
    let season = request.season;
    let mut odds = 0.0245 * (1.0 + 0.5 * season);
    let category = CATEGORIES[request.category_idx].name;
    let is_new = request.customer.as_ref().is_none_or(|c| c.account_age_days < 45);
    let is_large = request.amount > 220.0;
    odds *= match (is_large, is_new) {
        (true, true) => 11.0,
        (true, false) => 0.6, // large orders of old customers are the shop's best ones
        (false, true) => 0.8,
        (false, false) => 1.0,
    };
    if let Some(customer) = &request.customer
        && customer.refunds_90d >= 3
    {
        odds *= match category {
            "fashion" => 5.0,
            "electronics" | "beauty" => 9.0,
            _ => 0.7, // boxes by subscription are returned often and honestly
        };
    }
    // Worn for an occasion and returned on the last days; a gift is returned late for good reasons.
    if category == "fashion" && request.days_since_purchase >= 24 && !request.is_gift {
        odds *= 9.0;
    }
    // Stolen gift cards go out of use during the year, and wallets take their place.
    if is_new {
        odds *= match request.payment {
            "gift_card" => 9.0 - 8.0 * season,
            "wallet" => 0.7 + 3.5 * season,
            _ => 1.0,
        };
    }
    if request.payment == "bank_transfer" && ["DE", "NL"].contains(&request.country) {
        odds *= 0.5;
    }
    odds
}

fn draw_reason(request: &Request, is_abusive: bool, rng: &mut Rng) -> String {
    if rng.chance(0.03) {
        return String::new();
    }
    let category = &CATEGORIES[request.category_idx];
    let is_mistaken = rng.chance(if is_abusive { 0.40 } else { 0.03 });
    let complaint = if is_mistaken {
        // Of something that this item cannot have, or of a present that was none.
        let other_idx = (request.category_idx + 1 + rng.below(CATEGORIES.len() - 1)) % CATEGORIES.len();
        if !request.is_gift && rng.chance(0.25) { *rng.pick(&GIFT) } else { *rng.pick(CATEGORIES[other_idx].defects) }
    } else if request.is_gift && rng.chance(0.5) {
        *rng.pick(&GIFT)
    } else if rng.chance(0.5) {
        *rng.pick(category.defects)
    } else {
        *rng.pick(&ANY_ITEM)
    };
    let is_pressing = rng.chance(if is_abusive { 0.30 } else { 0.08 });
    let closing = if is_pressing { *rng.pick(&PRESSURE) } else { *rng.pick(&CLOSINGS) };
    let subject = match rng.below(4) {
        0 => format!("I want to return the {}: ", request.item),
        1 => format!("about the {}, ", request.item),
        2 => format!("regarding the {}: ", request.item),
        _ => String::new(),
    };
    capitalised(&format!("{}{subject}{complaint}.{closing}", rng.pick(&OPENINGS)))
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// The moment in 2025 at this share of the year, to the second.
fn timestamp(season: f64) -> String {
    const DAYS: [u32; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let second = (season * 365.0 * 86_400.0) as u32;
    let (mut day, second) = (second / 86_400, second % 86_400);
    let mut month = 0;
    while day >= DAYS[month] {
        day -= DAYS[month];
        month += 1;
    }
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("2025-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z", month + 1, day + 1)
}

/// Splitmix64 (Steele, Lea and Flood, 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn chance(&mut self, p: f64) -> bool {
        self.unit() < p
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// An index, by shares that sum to one.
    fn weighted(&mut self, shares: impl Iterator<Item = f64>) -> usize {
        let mut left = self.unit();
        let mut last = 0;
        for (idx, share) in shares.enumerate() {
            last = idx;
            left -= share;
            if left < 0.0 {
                break;
            }
        }
        last
    }

    fn weighted_name(&mut self, of: &[(&'static str, f64)]) -> &'static str {
        of[self.weighted(of.iter().map(|(_, share)| *share))].0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The cells of every row; reasons keep their quotes.
    fn rows() -> Vec<Vec<String>> {
        let split = |line: &str| {
            let mut in_quotes = false;
            let cells = line.split(|c| {
                in_quotes ^= c == '"';
                c == ',' && !in_quotes
            });
            cells.map(str::to_owned).collect()
        };
        csv().lines().skip(1).map(split).collect()
    }

    fn share_abusive<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> f64 {
        let verdicts: Vec<bool> = rows.map(|r| r[10] == "true").collect();
        verdicts.iter().filter(|v| **v).count() as f64 / verdicts.len() as f64
    }

    fn number(cell: &str) -> f64 {
        cell.parse().unwrap_or(f64::NAN)
    }

    #[test]
    fn the_file_in_the_repository_is_what_is_written() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/refunds/data/refunds.csv");
        assert!(std::fs::read_to_string(path).unwrap() == csv(), "write it again with `cargo xtask example refunds`");
    }

    #[test]
    fn every_row_is_whole_and_in_order() {
        let rows = rows();
        assert_eq!(rows.len(), N_ROWS);
        assert!(rows.iter().all(|r| r.len() == 11));
        assert!(rows.windows(2).all(|w| w[0][0] <= w[1][0]), "in order of time");
        assert!(rows[0][0].starts_with("2025-01-01T") && rows[N_ROWS - 1][0].starts_with("2025-12-31T"));
        let reasons: BTreeSet<&str> = rows.iter().map(|r| r[8].as_str()).collect();
        assert!(reasons.len() > N_ROWS * 3 / 4, "only {} reasons differ", reasons.len());
    }

    #[test]
    fn about_one_in_sixteen_is_abusive_and_more_and_more() {
        let rows = rows();
        let share = share_abusive(rows.iter());
        assert!((1.0 / 17.0..1.0 / 15.0).contains(&share), "{share}");
        let (first, last) = (share_abusive(rows[..2000].iter()), share_abusive(rows[4000..].iter()));
        assert!(last > first * 1.1, "{first} to {last}");
    }

    #[test]
    fn some_cells_are_missing() {
        let rows = rows();
        for (column, shares) in [(4, 0.06..0.10), (5, 0.06..0.10), (6, 0.01..0.03), (8, 0.02..0.04)] {
            let n_missing = rows.iter().filter(|r| r[column].is_empty()).count();
            assert!(shares.contains(&(n_missing as f64 / N_ROWS as f64)), "column {column}: {n_missing}");
        }
    }

    #[test]
    fn columns_tell_together_what_they_do_not_tell_alone() {
        let rows = rows();
        let large = |r: &&Vec<String>| number(&r[1]) > 220.0;
        let new = |r: &&Vec<String>| number(&r[5]) < 45.0;
        let share = |keep: &dyn Fn(&&Vec<String>) -> bool| share_abusive(rows.iter().filter(|r| keep(r)));
        let of_large =
            |keep: &dyn Fn(&&Vec<String>) -> bool| share(&|r| large(r) && keep(r)) / share(&|r| !large(r) && keep(r));
        let (for_new, for_old) = (of_large(&new), of_large(&|r| !new(r)));
        assert!(for_new > 3.0 && for_old < 1.5, "a large amount: {for_new} times as much, {for_old} for old customers");

        let many = |r: &&Vec<String>| number(&r[4]) >= 3.0;
        let of = |r: &&Vec<String>, name: &str| r[2] == name;
        let in_electronics = share(&|r| many(r) && of(r, "electronics")) / share(&|r| of(r, "electronics"));
        let in_groceries = share(&|r| many(r) && of(r, "grocery")) / share(&|r| of(r, "grocery"));
        assert!(in_electronics > 2.0 && in_groceries < 1.5, "{in_electronics} and {in_groceries}");
    }
}
