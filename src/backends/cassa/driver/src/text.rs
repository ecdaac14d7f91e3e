//! Plain data that crosses the border.

use std::os::raw::c_char;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct KmText {
    pub data: *const c_char,
    pub size: usize,
}

impl KmText {
    pub fn of(text: &str) -> Self {
        KmText { data: text.as_ptr().cast(), size: text.len() }
    }

    /// # Safety
    /// `data` points to `size` bytes.
    pub unsafe fn to_text(self) -> String {
        if self.size == 0 {
            return String::new();
        }
        let bytes = unsafe { std::slice::from_raw_parts(self.data.cast::<u8>(), self.size) };
        String::from_utf8_lossy(bytes).into_owned()
    }
}

pub const NULL: i32 = -1;
pub const UNSET: i32 = -2;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct KmValue {
    pub data: *const c_char,
    pub size: i32,
}

impl KmValue {
    /// None for NULL and for what is left unset.
    ///
    /// # Safety
    /// `data` points to `size` bytes, if there are any.
    pub unsafe fn bytes(&self) -> &[u8] {
        match self.size {
            size if size <= 0 => &[],
            size => unsafe { std::slice::from_raw_parts(self.data.cast::<u8>(), size as usize) },
        }
    }
}
