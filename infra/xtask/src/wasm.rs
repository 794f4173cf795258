//! Reads what a WebAssembly module asks of the place it runs in. Knows the import section only.

/// The imports of a module, as `module.name`. `None` if it is not a module.
pub(crate) fn imports(module: &[u8]) -> Option<Vec<String>> {
    let mut reader = Reader { rest: module.strip_prefix(b"\0asm\x01\0\0\0")? };
    while !reader.rest.is_empty() {
        let section = reader.byte()?;
        let size = reader.number()?;
        let mut body = Reader { rest: reader.take(size)? };
        if section == 2 {
            let count = body.number()?;
            return (0..count).map(|_| body.import()).collect();
        }
    }
    Some(Vec::new())
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    /// An unsigned LEB128 number of at most 32 bits.
    fn number(&mut self) -> Option<usize> {
        let mut value = 0usize;
        for shift in (0..35).step_by(7) {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn text(&mut self) -> Option<&'a str> {
        let size = self.number()?;
        std::str::from_utf8(self.take(size)?).ok()
    }

    fn limits(&mut self) -> Option<()> {
        let flags = self.byte()?;
        self.number()?;
        if flags & 1 == 1 {
            self.number()?;
        }
        Some(())
    }

    fn import(&mut self) -> Option<String> {
        let name = format!("{}.{}", self.text()?, self.text()?);
        match self.byte()? {
            // A function: its type.
            0 => self.number().map(drop)?,
            // A table: the kind of its elements, then its limits.
            1 => {
                self.byte()?;
                self.limits()?;
            }
            2 => self.limits()?,
            // A global: its type, then whether it may change.
            3 => self.take(2).map(drop)?,
            _ => return None,
        }
        Some(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"\0asm\x01\0\0\0";

    #[test]
    fn names_each_import() {
        let mut module = HEAD.to_vec();
        module.extend([1, 4, 1, 0x60, 0, 0]);
        module.extend([2, 19, 2]);
        module.extend(b"\x03env\x03now\0\0");
        module.extend(b"\x01m\x01t\x01\x70\x00\x01");
        // The second entry is a table with a lower limit only.
        assert_eq!(imports(&module).unwrap(), ["env.now", "m.t"]);
    }

    #[test]
    fn a_module_without_the_section_imports_nothing() {
        assert_eq!(imports(HEAD).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert_eq!(imports(b"ELF"), None);
        assert_eq!(imports(&[HEAD, &[2, 200]].concat()), None);
    }
}
