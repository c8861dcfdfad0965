//! Reading JSON that others wrote straight into small structs: what is of another type than expected counts as missing,
//! so that only broken syntax is an error. Strings are borrowed where they need no unescaping.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A string, if it is one.
#[derive(Debug, Default, Clone)]
pub(crate) struct Str<'a>(pub(crate) Option<Cow<'a, str>>);

impl Str<'_> {
    pub(crate) fn as_deref(&self) -> Option<&str> {
        self.0.as_deref()
    }

    /// The string, or an empty one.
    pub(crate) fn text(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    pub(crate) fn into_string(self) -> String {
        self.0.map(Cow::into_owned).unwrap_or_default()
    }

    /// The string, unless there is none or it is empty.
    pub(crate) fn non_empty(self) -> Option<String> {
        self.0.filter(|text| !text.is_empty()).map(Cow::into_owned)
    }
}

/// A whole number from 0, if it is one.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Num(pub(crate) Option<u64>);

/// Whether it is `true`.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Flag(pub(crate) bool);

/// An object, if it is one.
#[derive(Debug, Clone)]
pub(crate) struct Obj<T>(pub(crate) Option<T>);

/// The elements of an array; none if it is something else.
#[derive(Debug, Clone)]
pub(crate) struct List<T>(pub(crate) Vec<T>);

impl<T> Default for Obj<T> {
    fn default() -> Self {
        Obj(None)
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        List(Vec::new())
    }
}

/// What a type makes of each kind of JSON value; of the kinds that it does not name: its default.
pub(crate) trait Shape<'de>: Default {
    fn from_text(_text: Cow<'de, str>) -> Self {
        Self::default()
    }

    fn from_count(_count: u64) -> Self {
        Self::default()
    }

    fn from_flag(_flag: bool) -> Self {
        Self::default()
    }

    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn from_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

struct AnyKind<T>(PhantomData<T>);

impl<'de, T: Shape<'de>> Visitor<'de> for AnyKind<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<T, E> {
        Ok(T::from_flag(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(u64::try_from(number).map_or_else(|_| T::default(), T::from_count))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::from_count(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        // Upwards: these are limits and counts, which must not be taken for less than they are.
        Ok(if number >= 0.0 { T::from_count(number.ceil() as u64) } else { T::default() })
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::from_text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(Cow::Owned(text.to_owned())))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::from_seq(seq)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::from_map(map)
    }
}

pub(crate) fn any_kind<'de, D: Deserializer<'de>, T: Shape<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(AnyKind(PhantomData))
}

impl<'de> Shape<'de> for Str<'de> {
    fn from_text(text: Cow<'de, str>) -> Self {
        Str(Some(text))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_kind::<D, Str<'de>>(deserializer)
    }
}

impl<'de> Shape<'de> for Num {
    fn from_count(count: u64) -> Self {
        Num(Some(count))
    }
}

impl<'de> Deserialize<'de> for Num {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_kind(deserializer)
    }
}

impl<'de> Shape<'de> for Flag {
    fn from_flag(flag: bool) -> Self {
        Flag(flag)
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_kind(deserializer)
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for Obj<T> {
    fn from_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Obj(Some(object)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Obj<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_kind(deserializer)
    }
}

impl<'de, T: Deserialize<'de>> Shape<'de> for List<T> {
    fn from_seq<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(List(elements))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any_kind(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Thing<'a> {
        #[serde(borrow)]
        name: Str<'a>,
        count: Num,
        on: Flag,
        #[serde(borrow)]
        inner: List<Obj<Inner<'a>>>,
    }

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct Inner<'a> {
        #[serde(borrow)]
        name: Str<'a>,
    }

    #[test]
    fn reads_what_fits_and_skips_the_rest() {
        let json =
            r#"{"name":"é\n","count":3,"on":true,"inner":[{"name":"a"},null,[1],{"name":[{}]}],"new":[{"x":1}]}"#;
        let thing: Obj<Thing> = serde_json::from_str(json).unwrap();
        let thing = thing.0.unwrap();
        assert_eq!((thing.name.text(), thing.count.0, thing.on.0), ("é\n", Some(3), true));
        let names: Vec<_> = thing.inner.0.iter().map(|i| i.0.as_ref().map(|i| i.name.text())).collect();
        assert_eq!(names, [Some("a"), None, None, Some("")]);
    }

    #[test]
    fn other_kinds_are_missing() {
        for value in ["null", "-1", "-1.5", "[[]]", r#"{"a":{}}"#, "false"] {
            let json = format!(r#"{{"name":{value},"count":{value},"on":{value},"inner":{value}}}"#);
            let thing = serde_json::from_str::<Obj<Thing>>(&json).unwrap().0.unwrap();
            assert!(thing.name.0.is_none() && thing.count.0.is_none() && !thing.on.0, "{value}");
            assert!(thing.inner.0.iter().all(|inner| inner.0.is_none()), "{value}");
        }
        assert!(serde_json::from_str::<Obj<Thing>>("[1,2]").unwrap().0.is_none());
        assert!(serde_json::from_str::<Obj<Thing>>(r#"{"name":"#).is_err());
    }
}
