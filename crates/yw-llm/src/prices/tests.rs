use super::*;

fn model(name: &str) -> ModelRef {
    ModelRef::parse(name).unwrap()
}

fn usage(input: u64, cached: u64, written: u64, output: u64) -> TokenUsage {
    TokenUsage {
        input_tokens: input,
        cached_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output,
        ..TokenUsage::default()
    }
}

#[test]
fn costs_are_exact() {
    let price = Price::per_million(0.15, 0.6).unwrap().with_cached_input(0.075).unwrap();
    assert_eq!(price.cost(&usage(1, 0, 0, 0)), Usd::from_picos(150_000));
    assert_eq!(price.cost(&usage(1_000_000, 0, 0, 1_000_000)).to_string(), "$0.75");
    assert_eq!(price.cost(&usage(100, 40, 0, 10)), Usd::from_picos(60 * 150_000 + 40 * 75_000 + 10 * 600_000));
}

#[test]
fn cache_writes_replace_the_input_price() {
    let price = Price::per_million(3.0, 15.0).unwrap().with_cached_input(0.3).unwrap().with_cache_write(3.75).unwrap();
    assert_eq!(
        price.cost(&usage(1_000, 600, 300, 0)),
        Usd::from_picos(100 * 3_000_000 + 600 * 300_000 + 300 * 3_750_000)
    );
}

#[test]
fn each_kind_of_token_has_its_rate() {
    let price = Price::per_million(1.0, 2.0)
        .and_then(|p| p.with_cached_input(0.1)?.with_cache_write(1.25)?.with_cache_write_hour(3.0))
        .and_then(|p| p.with_audio(10.0, 20.0)?.with_image_input(5.0))
        .unwrap();
    let usage = TokenUsage {
        input_tokens: 1_000,
        cached_tokens: 100,
        cache_write_tokens: 200,
        cache_write_hour_tokens: 50,
        input_audio_tokens: 10,
        input_image_tokens: 20,
        output_tokens: 300,
        reasoning_tokens: 30,
        output_audio_tokens: 7,
    };
    let millionths = 670 + 10 * 10 + 20 * 5 + 10 + 150 + 150 / 4 + 50 * 3 + 293 * 2 + 7 * 20;
    // 150 tokens at 1.25 are 187.5 millionths of a dollar.
    assert_eq!(price.cost(&usage), Usd::from_picos(millionths * 1_000_000 + 500_000));
    assert!(price.cost(&usage) <= price.bound_of_any(1_000, 300));
    // More of a kind than there are tokens at all is not paid for.
    let wrong = TokenUsage { input_audio_tokens: 9_999, output_audio_tokens: 9_999, ..usage };
    assert_eq!(price.cost(&wrong), Usd::from_picos((700 * 10 + 10 + 150 + 37 + 150 + 300 * 20) * 1_000_000 + 500_000));
}

#[test]
fn an_hour_in_the_cache_costs_twice_the_input_of_claude() {
    let usage =
        TokenUsage { input_tokens: 10, cache_write_tokens: 10, cache_write_hour_tokens: 10, ..usage(0, 0, 0, 0) };
    let own = Price::per_million(3.0, 15.0).and_then(|p| p.with_cache_write(3.75)).unwrap();
    let cost =
        |name: &str| PriceTable::empty().with_override(model(name), own).find(&model(name)).unwrap().cost(&usage);
    assert_eq!(cost("anthropic/some-model"), Usd::from_picos(60_000_000));
    assert_eq!(cost("openrouter/anthropic/claude-x"), Usd::from_picos(60_000_000));
    assert_eq!(cost("openai/some-model"), Usd::from_picos(37_500_000));
}

#[test]
fn impossible_counts_neither_panic_nor_go_negative() {
    let price = Price::per_million(1_000_000.0, 1_000_000.0).unwrap();
    assert!(price.cost(&usage(0, u64::MAX, u64::MAX, u64::MAX)) > Usd::ZERO);
    assert!(price.bound(u64::MAX, u64::MAX) > Usd::ZERO);
}

#[test]
fn long_prompts_cost_more_for_all_tokens() {
    let long = Price::per_million(2.0, 6.0).unwrap();
    let price = Price::per_million(1.0, 5.0).unwrap().with_long_input(1_000, long);
    assert_eq!(price.cost(&usage(1_000, 0, 0, 0)), Usd::from_picos(1_000 * 1_000_000));
    assert_eq!(price.cost(&usage(1_001, 0, 0, 1)), Usd::from_picos(1_001 * 2_000_000 + 6_000_000));
    assert_eq!(price.bound(1_000, 1), Usd::from_picos(1_000 * 1_000_000 + 5_000_000));
    assert_eq!(price.bound(1_001, 1), Usd::from_picos(1_001 * 2_000_000 + 6_000_000));
}

#[test]
fn prices_are_checked() {
    for wrong in [-1.0, f64::NAN, f64::INFINITY, 1_000_000.5] {
        assert!(matches!(Price::per_million(wrong, 1.0), Err(PriceError::Range(_))), "{wrong}");
    }
    assert_eq!(Price::per_million(0.000_000_1, 1.0), Err(PriceError::Decimals(0.000_000_1)));
    for exact in [0.0, 0.000_001, 0.1, 0.2288, 0.3, 12.345_678, 999_999.999_999] {
        assert!(Price::per_million(exact, 1.0).is_ok(), "{exact}");
    }
}

#[test]
fn the_table_that_ships_is_valid_and_well_filled() {
    let table = builtin::Table::parse(builtin::SOURCE).unwrap();
    assert_eq!(table.date.len(), 10);
    assert_eq!(PriceTable::builtin_date(), table.date);
    for name in
        ["anthropic/claude-haiku-4-5", "openai/gpt-5-mini", "mistral/mistral-small-latest", "deepseek/deepseek-chat"]
    {
        assert!(PriceTable::builtin().find(&model(name)).is_some(), "{name}");
    }
    for provider in ["anthropic", "deepseek", "fireworks", "groq", "mistral", "openai", "openrouter", "together", "xai"]
    {
        let header = format!("[provider.{provider}.model]");
        assert!(builtin::SOURCE.contains(&header), "no prices for {provider}");
    }
}

#[test]
fn names_resolve_as_providers_resolve_them() {
    let table = PriceTable::builtin();
    let haiku = table.find(&model("anthropic/claude-haiku-4-5"));
    let expected = Price::per_million(1.0, 5.0)
        .and_then(|p| p.with_cached_input(0.1)?.with_cache_write(1.25)?.with_cache_write_hour(2.0));
    assert_eq!(haiku, expected.ok());
    assert_eq!(table.find(&model("anthropic/claude-haiku-4-5-20251001")), haiku);
    assert_eq!(table.find(&model("openai/gpt-5-mini-2025-08-07")), table.find(&model("openai/gpt-5-mini")));
    assert_eq!(table.find(&model("openai/gpt-5-mini-2099")), None);
    let bedrock = table.find(&model("bedrock/anthropic.claude-opus-4-5-v1:0"));
    assert!(bedrock.is_some());
    assert_eq!(table.find(&model("bedrock/us.anthropic.claude-opus-4-5-v1:0")), bedrock);
    assert_ne!(table.find(&model("bedrock/global.anthropic.claude-opus-4-5-v1:0")), bedrock);
    for name in ["gemini/gemini-2.5-flash", "vertex/claude-haiku-4-5", "openai/text-embedding-3-small"] {
        assert!(table.find(&model(name)).is_some(), "{name}");
    }
    assert_eq!(table.find(&model("openai/no-such-model")), None);
    assert_eq!(table.find(&model("nobody/gpt-5-mini")), None);
    assert_eq!(PriceTable::empty().find(&model("openai/gpt-5-mini")), None);
}

#[test]
fn the_users_price_wins() {
    let own = Price::per_million(0.0, 0.0).unwrap();
    let table = PriceTable::builtin().with_override(model("openai/gpt-5-mini"), own);
    assert_eq!(table.find(&model("openai/gpt-5-mini")), Some(own));
    assert_ne!(table.find(&model("openai/gpt-5-mini-2025-08-07")), Some(own));
}

/// The bound is what budgets rest on: no way of caching may cost more.
#[test]
fn no_call_costs_more_than_its_bound() {
    let table = builtin::Table::parse(builtin::SOURCE).unwrap();
    for price in table.prices() {
        for input in [1, 99_999, 100_001, 300_000] {
            for (cached, written) in [(0, 0), (input, 0), (0, input), (input / 2, input / 3)] {
                assert!(price.cost(&usage(input, cached, written, 77)) <= price.bound(input + 5, 77));
            }
        }
    }
}
