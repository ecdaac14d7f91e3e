//! What a call brought: a session, a statement, rows, nothing, or a failure.

use crate::failure::Failure;
use crate::session::{KmSession, KmStatement};
use crate::text::{KmText, KmValue, NULL};
use scylla::cluster::metadata::{ColumnType, NativeType};
use scylla::deserialize::row::ColumnIterator;
use scylla::response::query_result::QueryResult;

/// Cells one after the other in one buffer, row by row.
#[derive(Default)]
pub struct Rows {
    types: Vec<u16>,
    bytes: Vec<u8>,
    cells: Vec<Option<(usize, i32)>>,
}

pub enum Outcome {
    Nothing,
    Session(Box<KmSession>),
    Statement(Box<KmStatement>),
    Rows(Rows),
}

pub struct KmResult(pub Result<Outcome, Failure>);

/// Numbers as in section 6 of the native protocol, version 4.
pub fn number_of(kind: &ColumnType) -> u16 {
    let ColumnType::Native(native) = kind else {
        return 0;
    };
    match native {
        NativeType::Ascii => 0x01,
        NativeType::BigInt => 0x02,
        NativeType::Blob => 0x03,
        NativeType::Boolean => 0x04,
        NativeType::Counter => 0x05,
        NativeType::Decimal => 0x06,
        NativeType::Double => 0x07,
        NativeType::Float => 0x08,
        NativeType::Int => 0x09,
        NativeType::Timestamp => 0x0B,
        NativeType::Uuid => 0x0C,
        NativeType::Text => 0x0D,
        NativeType::Varint => 0x0E,
        NativeType::Timeuuid => 0x0F,
        NativeType::Inet => 0x10,
        NativeType::Date => 0x11,
        NativeType::Time => 0x12,
        NativeType::SmallInt => 0x13,
        NativeType::TinyInt => 0x14,
        _ => 0,
    }
}

pub fn rows_of(result: QueryResult) -> Result<Outcome, Failure> {
    use crate::failure::Code;
    if !result.is_rows() {
        return Ok(Outcome::Nothing);
    }
    let unreadable = |problem: String| Failure::new(Code::Failed, format!("the answer cannot be read: {problem}"));
    let result = result.into_rows_result().map_err(|e| unreadable(e.to_string()))?;
    let mut rows = Rows { types: result.column_specs().iter().map(|c| number_of(c.typ())).collect(), ..Rows::default() };
    for row in result.rows::<ColumnIterator>().map_err(|e| unreadable(e.to_string()))? {
        for cell in row.map_err(|e| unreadable(e.to_string()))? {
            let cell = cell.map_err(|e| unreadable(e.to_string()))?;
            rows.cells.push(cell.slice.map(|slice| {
                let bytes = slice.as_slice();
                let place = (rows.bytes.len(), bytes.len() as i32);
                rows.bytes.extend_from_slice(bytes);
                place
            }));
        }
    }
    Ok(Outcome::Rows(rows))
}

impl KmResult {
    fn rows(&self) -> Option<&Rows> {
        match &self.0 {
            Ok(Outcome::Rows(rows)) => Some(rows),
            _ => None,
        }
    }
}

// --- exported: each pointer is one that the header says

#[no_mangle]
pub unsafe extern "C" fn km_result_free(result: *mut KmResult) {
    drop(unsafe { Box::from_raw(result) });
}

#[no_mangle]
pub unsafe extern "C" fn km_result_code(result: *const KmResult) -> i32 {
    match unsafe { &(*result).0 } {
        Ok(_) => 0,
        Err(failure) => failure.code as i32,
    }
}

#[no_mangle]
pub unsafe extern "C" fn km_result_text(result: *const KmResult) -> KmText {
    match unsafe { &(*result).0 } {
        Ok(_) => KmText::of(""),
        Err(failure) => KmText::of(&failure.text),
    }
}

#[no_mangle]
pub unsafe extern "C" fn km_result_take_session(result: *mut KmResult) -> *mut KmSession {
    match std::mem::replace(unsafe { &mut (*result).0 }, Ok(Outcome::Nothing)) {
        Ok(Outcome::Session(session)) => Box::into_raw(session),
        _ => std::ptr::null_mut(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn km_result_take_statement(result: *mut KmResult) -> *mut KmStatement {
    match std::mem::replace(unsafe { &mut (*result).0 }, Ok(Outcome::Nothing)) {
        Ok(Outcome::Statement(statement)) => Box::into_raw(statement),
        _ => std::ptr::null_mut(),
    }
}

#[no_mangle]
pub unsafe extern "C" fn km_result_columns(result: *const KmResult) -> usize {
    unsafe { &*result }.rows().map_or(0, |rows| rows.types.len())
}

#[no_mangle]
pub unsafe extern "C" fn km_result_type(result: *const KmResult, column: usize) -> u16 {
    unsafe { &*result }.rows().and_then(|rows| rows.types.get(column).copied()).unwrap_or(0)
}

#[no_mangle]
pub unsafe extern "C" fn km_result_rows(result: *const KmResult) -> usize {
    unsafe { &*result }.rows().map_or(0, |rows| rows.cells.len().checked_div(rows.types.len()).unwrap_or(0))
}

#[no_mangle]
pub unsafe extern "C" fn km_result_cell(result: *const KmResult, row: usize, column: usize) -> KmValue {
    let cell = unsafe { &*result }
        .rows()
        .and_then(|rows| Some((rows, (*rows.cells.get(row * rows.types.len() + column)?)?)));
    match cell {
        Some((rows, (start, size))) => KmValue { data: rows.bytes[start..].as_ptr().cast(), size },
        None => KmValue { data: std::ptr::null(), size: NULL },
    }
}
