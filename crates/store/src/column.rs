//! Text columns that hold domain types.

use bellwether_domain::{EventType, Label, SignalLabel, Symbol};
use serde::Serialize;
use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, IntoDeserializer};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgTypeInfo, PgValueRef};
use sqlx::{Decode, Postgres, Type, ValueRef};

/// A text column with a domain type; an unknown value is a decoding error.
#[derive(Debug)]
pub(crate) struct Word<T>(T);

/// The same where the column may be null. A query names it `"column!: Maybe<T>"`.
#[derive(Debug)]
pub(crate) struct Maybe<T>(Option<T>);

impl<T> Type<Postgres> for Word<T> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl<T> Type<Postgres> for Maybe<T> {
    fn type_info() -> PgTypeInfo {
        <str as Type<Postgres>>::type_info()
    }
}

impl<'r, T: DeserializeOwned> Decode<'r, Postgres> for Word<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        let text: StrDeserializer<'_, serde::de::value::Error> =
            <&str as Decode<'r, Postgres>>::decode(value)?.into_deserializer();
        Ok(Self(T::deserialize(text)?))
    }
}

impl<'r, T: DeserializeOwned> Decode<'r, Postgres> for Maybe<T> {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        if value.is_null() {
            return Ok(Self(None));
        }
        Word::decode(value).map(|word: Word<T>| Self(Some(word.0)))
    }
}

impl From<Word<Symbol>> for Symbol {
    fn from(word: Word<Symbol>) -> Self {
        word.0
    }
}

impl From<Maybe<Symbol>> for Option<Symbol> {
    fn from(word: Maybe<Symbol>) -> Self {
        word.0
    }
}

impl From<Maybe<Label>> for Option<Label> {
    fn from(word: Maybe<Label>) -> Self {
        word.0
    }
}

impl From<Maybe<EventType>> for Option<EventType> {
    fn from(word: Maybe<EventType>) -> Self {
        word.0
    }
}

impl From<Maybe<SignalLabel>> for Option<SignalLabel> {
    fn from(word: Maybe<SignalLabel>) -> Self {
        word.0
    }
}

/// The column's text, as the domain serializes it.
pub(crate) fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(text)) => text,
        other => unreachable!("words of the domain serialize as text, not as {other:?}"),
    }
}

/// Symbols as a text array.
pub(crate) fn texts(symbols: &[Symbol]) -> Vec<String> {
    symbols.iter().map(ToString::to_string).collect()
}
