//! Sections with a number that is not finite, found on one pass that writes nothing.

use std::fmt;

use serde::Serialize;
use serde::ser::{self, Serializer};

use crate::section::Section;
use crate::skip::Unmeasured;

/// JSON has no infinity: a section with such a figure was not measured.
pub fn finite_or_skipped<T: Serialize>(section: Section<T>) -> Section<T> {
    match section {
        Section::Measured(facts) if !is_finite(&facts) => Section::Skipped {
            reason: Unmeasured::OutOfRange,
        },
        section => section,
    }
}

/// Whether no number in `value` is NaN or infinite. A number that may be absent counts as absent
/// where it is not finite: JSON writes it as null, and that is read back.
fn is_finite<T: Serialize>(value: &T) -> bool {
    value.serialize(REQUIRED).is_ok()
}

/// Looks at the numbers of what is serialised; the error says that one is not finite.
#[derive(Clone, Copy)]
struct FiniteNumbers {
    optional: bool,
}

const REQUIRED: FiniteNumbers = FiniteNumbers { optional: false };

impl FiniteNumbers {
    const fn number(self, finite: bool) -> fmt::Result {
        if finite || self.optional {
            Ok(())
        } else {
            Err(fmt::Error)
        }
    }
}

/// Methods for what holds no number with a fraction.
macro_rules! accepted {
    ($($method:ident($($kind:ty),*);)*) => {
        $(fn $method(self, $(_: $kind),*) -> fmt::Result {
            Ok(())
        })*
    };
}

/// Methods for what has parts, and the types that take these.
macro_rules! with_parts {
    ($($part:ident = $method:ident($($kind:ty),*);)*) => {
        $(type $part = Self;
        fn $method(self, $(_: $kind),*) -> Result<Self, fmt::Error> {
            Ok(self)
        })*
    };
}

impl Serializer for FiniteNumbers {
    type Ok = ();
    type Error = fmt::Error;

    accepted! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    with_parts! {
        SerializeSeq = serialize_seq(Option<usize>);
        SerializeTuple = serialize_tuple(usize);
        SerializeTupleStruct = serialize_tuple_struct(&'static str, usize);
        SerializeTupleVariant = serialize_tuple_variant(&'static str, u32, &'static str, usize);
        SerializeMap = serialize_map(Option<usize>);
        SerializeStruct = serialize_struct(&'static str, usize);
        SerializeStructVariant = serialize_struct_variant(&'static str, u32, &'static str, usize);
    }

    fn serialize_f32(self, value: f32) -> fmt::Result {
        self.number(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> fmt::Result {
        self.number(value.is_finite())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> fmt::Result {
        value.serialize(Self { optional: true })
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> fmt::Result {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> fmt::Result {
        value.serialize(REQUIRED)
    }
}

/// Takes the parts of one kind of value, each of which is looked at by itself.
macro_rules! parts {
    ($($part:ident: $($method:ident($($name:ty)?)),*;)*) => {
        $(impl ser::$part for FiniteNumbers {
            type Ok = ();
            type Error = fmt::Error;

            $(fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> fmt::Result {
                value.serialize(REQUIRED)
            })*

            fn end(self) -> fmt::Result {
                Ok(())
            }
        })*
    };
}

parts! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeMap: serialize_key(), serialize_value();
    SerializeStruct: serialize_field(&'static str);
    SerializeStructVariant: serialize_field(&'static str);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Facts {
        Pair {
            values: (f64, f32),
            name: String,
        },
        Rows {
            rows: Vec<Vec<f64>>,
        },
        Absent {
            least: Option<f64>,
            range: Option<[f64; 2]>,
        },
    }

    #[test]
    fn numbers_are_found_wherever_they_lie() {
        let pair = |a, b| Facts::Pair {
            values: (a, b),
            name: "NaN".into(),
        };
        assert!(is_finite(&pair(f64::MAX, f32::MIN)));
        assert!(!is_finite(&pair(f64::INFINITY, 0.0)));
        assert!(!is_finite(&pair(0.0, f32::NAN)));
        let rows = |last| Facts::Rows {
            rows: vec![vec![1.0], vec![], vec![0.0, last]],
        };
        assert!(is_finite(&rows(2.0)));
        assert!(!is_finite(&rows(f64::NEG_INFINITY)));
    }

    #[test]
    fn a_section_with_an_infinity_is_skipped() {
        let section = |figure| finite_or_skipped(Section::Measured(vec![1.0, figure]));
        assert_eq!(section(2.0), Section::Measured(vec![1.0, 2.0]));
        for figure in [f64::INFINITY, f64::NAN] {
            let reason = Unmeasured::OutOfRange;
            assert_eq!(section(figure), Section::Skipped { reason });
        }
        let left_out: Section<f64> = Section::Skipped {
            reason: Unmeasured::LeftOut,
        };
        assert_eq!(finite_or_skipped(left_out.clone()), left_out);
    }

    // JSON reads null as an absent number, and not as a number of a pair.
    #[test]
    fn a_number_that_may_be_absent_may_be_infinite() {
        let absent = |least, range| Facts::Absent { least, range };
        assert!(is_finite(&absent(None, None)));
        assert!(is_finite(&absent(Some(f64::INFINITY), Some([0.0, 1.0]))));
        assert!(!is_finite(&absent(None, Some([0.0, f64::INFINITY]))));
    }
}
