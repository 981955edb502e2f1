//! Tests of whole messages, of each Arrow type, and of NULLs; values are compared in `golden_tests`.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Date64Array, Decimal128Array, Decimal256Array, DictionaryArray,
    DurationMillisecondArray, FixedSizeBinaryArray, FixedSizeListArray, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, IntervalDayTimeArray, IntervalMonthDayNanoArray, IntervalYearMonthArray,
    LargeBinaryArray, LargeStringArray, ListArray, NullArray, StringArray, StringViewArray, StructArray,
    Time32MillisecondArray, Time32SecondArray, Time64NanosecondArray, TimestampMillisecondArray,
    TimestampNanosecondArray, TimestampSecondArray, UInt16Array, UInt32Array, UInt64Array,
};
use datafusion::arrow::datatypes::{
    DataType, Field, Float64Type, Int8Type, Int32Type, IntervalDayTime, IntervalMonthDayNano, i256,
};

use super::*;
use crate::model::table::PG_TYPE;

fn field(array: &ArrayRef, tag: &str) -> Field {
    let field = Field::new("c", array.data_type().clone(), true);
    if tag.is_empty() { field } else { field.with_metadata([(PG_TYPE.to_owned(), tag.to_owned())].into()) }
}

/// Encodes one column of one or more rows and returns the message bodies without their headers.
fn encode(array: &ArrayRef, tag: &str, format: Format) -> Result<Vec<Vec<u8>>> {
    let schema = Arc::new(Schema::new(vec![field(array, tag)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(array)]).unwrap();
    let mut out = BytesMut::new();
    RowEncoder::new(&schema, &[format], &Style::default())?.encode(&batch, 0..array.len(), &mut out)?;
    let mut rest = &out[..];
    let mut rows = Vec::new();
    while let [b'D', message @ ..] = rest {
        let length = i32::from_be_bytes(*message.first_chunk().unwrap()) as usize;
        assert_eq!(message[4..6], [0, 1]);
        rows.push(message[6..length].to_vec());
        rest = &message[length..];
    }
    assert!(rest.is_empty());
    Ok(rows)
}

/// The texts of a column, with `None` for NULL.
fn texts(array: &ArrayRef, tag: &str) -> Vec<Option<String>> {
    let rows = encode(array, tag, Format::Text).unwrap();
    let text = |row: Vec<u8>| (row != [255; 4]).then(|| String::from_utf8(row[4..].to_vec()).unwrap());
    rows.into_iter().map(text).collect()
}

fn hex(array: &ArrayRef, tag: &str) -> String {
    let rows = encode(array, tag, Format::Binary).unwrap();
    rows[0].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn array(array: impl Array + 'static) -> ArrayRef {
    Arc::new(array)
}

#[test]
fn a_row_has_the_layout_of_a_datarow_message() {
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int32, true),
        Field::new("b", DataType::Utf8, true),
        Field::new("c", DataType::Int32, true),
    ]));
    let columns = vec![
        array(Int32Array::from(vec![7, -10])),
        array(StringArray::from(vec![None, Some("é")])),
        array(Int32Array::from(vec![1, 2])),
    ];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let formats = [Format::Text, Format::Text, Format::Binary];
    let mut encoder = RowEncoder::new(&schema, &formats, &Style::default()).unwrap();
    let mut out = BytesMut::from("before");
    encoder.encode(&batch, 1..2, &mut out).unwrap();
    encoder.encode(&batch, 0..1, &mut out).unwrap();
    encoder.encode(&batch, 1..1, &mut out).unwrap();
    let second = b"D\0\0\0\x1b\0\x03\0\0\0\x03-10\0\0\0\x02\xc3\xa9\0\0\0\x04\0\0\0\x02";
    let first = b"D\0\0\0\x17\0\x03\0\0\0\x017\xff\xff\xff\xff\0\0\0\x04\0\0\0\x01";
    assert_eq!(out, [b"before", second.as_slice(), first.as_slice()].concat());
    assert!(encoder.encode(&batch, 1..3, &mut out).is_err());
}

#[test]
fn text_of_each_arrow_type() {
    let strings = || array(StringArray::from(vec!["x y"]));
    let cases: Vec<(ArrayRef, &str, &str)> = vec![
        (array(BooleanArray::from(vec![true])), "", "t"),
        (array(Int8Array::from(vec![-128])), "", "-128"),
        (array(Int8Array::from(vec![97])), "char", "a"),
        (array(Int16Array::from(vec![-1])), "", "-1"),
        (array(UInt16Array::from(vec![65535])), "", "65535"),
        (array(UInt32Array::from(vec![u32::MAX])), "", "4294967295"),
        (array(UInt64Array::from(vec![u64::MAX])), "", "18446744073709551615"),
        (array(Float32Array::from(vec![0.1])), "", "0.1"),
        (array(Float64Array::from(vec![1e15])), "", "1e+15"),
        (array(StringViewArray::from(vec!["a longer text than twelve"])), "", "a longer text than twelve"),
        (array(LargeStringArray::from(vec!["x"])), "name", "x"),
        (strings(), "char", "x"),
        (array(LargeBinaryArray::from(vec![b"\0a".as_slice()])), "", "\\x0061"),
        (array(Date32Array::from(vec![-719_528])), "", "0001-01-01 BC"),
        (array(Date32Array::from(vec![i32::MAX])), "", "infinity"),
        (array(Date64Array::from(vec![1_500])), "", "1970-01-01 00:00:01.5"),
        (array(Time32SecondArray::from(vec![86_399])), "", "23:59:59"),
        (array(Time32MillisecondArray::from(vec![1])), "", "00:00:00.001"),
        (array(Time64NanosecondArray::from(vec![1_999])), "", "00:00:00.000001"),
        (array(TimestampSecondArray::from(vec![-1])), "", "1969-12-31 23:59:59"),
        (array(TimestampMillisecondArray::from(vec![1]).with_timezone("UTC")), "", "1970-01-01 00:00:00.001+00"),
        (array(TimestampNanosecondArray::from(vec![-1])), "", "1969-12-31 23:59:59.999999"),
        (array(TimestampNanosecondArray::from(vec![i64::MIN])), "", "-infinity"),
        (array(IntervalYearMonthArray::from(vec![14])), "", "1 year 2 mons"),
        (array(IntervalDayTimeArray::from(vec![IntervalDayTime::new(1, 2_000)])), "", "1 day 00:00:02"),
        (
            array(IntervalMonthDayNanoArray::from(vec![IntervalMonthDayNano::new(1, -2, 3_000)])),
            "",
            "1 mon -2 days +00:00:00.000003",
        ),
        (array(DurationMillisecondArray::from(vec![97_445_000])), "", "1 day 03:04:05"),
        (array(Decimal128Array::from(vec![-5]).with_precision_and_scale(5, 3).unwrap()), "", "-0.005"),
        (array(Decimal128Array::from(vec![12]).with_precision_and_scale(5, -2).unwrap()), "", "1200"),
        (array(Decimal256Array::from(vec![i256::from_i128(150)]).with_precision_and_scale(50, 2).unwrap()), "", "1.50"),
        (
            array(FixedSizeBinaryArray::try_from_iter([[0xa0_u8; 16]].iter()).unwrap()),
            "uuid",
            "a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0",
        ),
        (array(DictionaryArray::<Int8Type>::from_iter(["b", "a"])), "", "b"),
        (strings(), "jsonb", "x y"),
    ];
    for (values, tag, expected) in cases {
        assert_eq!(texts(&values, tag)[0].as_deref(), Some(expected), "{}", values.data_type());
        assert!(encode(&values, tag, Format::Binary).is_ok(), "{}", values.data_type());
    }
}

#[test]
fn nulls_of_each_kind() {
    let dictionary = DictionaryArray::<Int8Type>::try_new(
        Int8Array::from(vec![Some(0), None, Some(1)]),
        array(StringArray::from(vec![Some("x"), None])),
    );
    assert_eq!(texts(&array(dictionary.unwrap()), ""), [Some("x".to_owned()), None, None]);
    assert_eq!(texts(&array(NullArray::new(2)), ""), [None, None]);
    assert_eq!(texts(&array(Float64Array::from(vec![None, Some(2.0)])), ""), [None, Some("2".to_owned())]);
}

#[test]
fn arrays_and_records() {
    let numbers = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), Some(vec![]), None]);
    let numbers = array(numbers);
    assert_eq!(texts(&numbers, ""), [Some("{1,NULL}".to_owned()), Some("{}".to_owned()), None]);
    assert_eq!(
        hex(&numbers, ""),
        "00000020000000010000000100000017000000020000000100000004".to_owned() + "00000001ffffffff"
    );
    assert_eq!(hex(&array(numbers.slice(1, 1)), ""), "0000000c000000000000000000000017");
    let vector = array(ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), Some(2)])]));
    assert_eq!(texts(&vector, "int2vector")[0].as_deref(), Some("1 2"));

    let item = Arc::new(Field::new_list_field(DataType::Float64, true));
    let floats = Float64Array::from(vec![0.5, f64::NAN, 1e20, -0.0]);
    let pairs = FixedSizeListArray::try_new(item, 2, Arc::new(floats), None).unwrap();
    assert_eq!(texts(&array(pairs), "")[1].as_deref(), Some("{1e+20,-0}"));

    let ragged = ListArray::from_iter_primitive::<Float64Type, _, _>([Some(vec![Some(1.0)]), Some(vec![])]);
    let field = Arc::new(Field::new_list_field(ragged.data_type().clone(), true));
    let offsets = datafusion::arrow::buffer::OffsetBuffer::from_lengths([2]);
    let ragged = array(ListArray::new(field, offsets, Arc::new(ragged), None));
    assert_eq!(texts(&ragged, "")[0].as_deref(), Some("{{1},{}}"));
    assert_eq!(encode(&ragged, "", Format::Binary).unwrap_err().sqlstate(), "0A000");

    let record = array(StructArray::from(vec![
        (Arc::new(Field::new("a", DataType::Utf8, true)), array(StringArray::from(vec!["a \"b\" \\"]))),
        (Arc::new(Field::new("b", DataType::Int32, true)), array(Int32Array::from(vec![None]))),
        (Arc::new(Field::new("c", DataType::Utf8, true)), array(StringArray::from(vec![""]))),
    ]));
    assert_eq!(texts(&record, "")[0].as_deref(), Some(r#"("a ""b"" \\",,"")"#));
    assert_eq!(encode(&record, "", Format::Binary).unwrap_err().sqlstate(), "0A000");
}

#[test]
fn binary_follows_the_tag() {
    let text = |value: &str| array(StringArray::from(vec![value]));
    assert_eq!(hex(&text("{}"), "jsonb"), "00000003017b7d");
    assert_eq!(hex(&text("A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"), "uuid"), "00000010a0eebc999c0b4ef8bb6d6bb9bd380a11");
    assert_eq!(hex(&array(UInt32Array::from(vec![26])), "oid"), "000000040000001a");
    assert_eq!(hex(&array(Int64Array::from(vec![26])), "regclass"), "000000040000001a");
    assert_eq!(hex(&array(Int64Array::from(vec![26])), "int4"), "000000040000001a");
    assert_eq!(hex(&text("26"), "regtype"), "000000040000001a");
    assert_eq!(encode(&text("pg_class"), "regclass", Format::Binary).unwrap_err().sqlstate(), "0A000");
    assert_eq!(
        encode(&array(Int64Array::from(vec![1 << 40])), "int4", Format::Binary).unwrap_err().sqlstate(),
        "22003"
    );
    assert_eq!(encode(&array(Int64Array::from(vec![1])), "bool", Format::Text).unwrap_err().sqlstate(), "0A000");
}

#[test]
fn a_zero_byte_is_an_error_and_the_rows_before_it_stay() {
    for values in [
        array(StringArray::from(vec!["a", "b\0"])),
        array(LargeStringArray::from(vec!["a", "b\0"])),
        array(StringViewArray::from(vec!["a", "b\0"])),
    ] {
        let schema = Arc::new(Schema::new(vec![field(&values, "")]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![values]).unwrap();
        let mut out = BytesMut::new();
        let mut encoder = RowEncoder::new(&schema, &[Format::Text], &Style::default()).unwrap();
        let error = encoder.encode(&batch, 0..2, &mut out).unwrap_err();
        assert_eq!(
            (error.sqlstate(), error.message.as_str()),
            ("22021", "invalid byte sequence for encoding \"UTF8\": 0x00")
        );
        assert_eq!(&out[..], b"D\0\0\0\x0b\0\x01\0\0\0\x01a");
    }
}

#[test]
fn one_cell() {
    let values = Int32Array::from(vec![Some(5), None]);
    let mut out = Vec::new();
    assert!(text_value(&values, PgType::Int4, 0, &Style::default(), &mut out).unwrap());
    assert!(!text_value(&values, PgType::Int4, 1, &Style::default(), &mut out).unwrap());
    assert_eq!(&out[..], b"5");
}
