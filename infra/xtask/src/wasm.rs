//! Reads what a WebAssembly module asks of the place it runs in, and how large its parts are.

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

/// The parts of a module: each function of its own by its name, with its bytes, and the bytes of its data. `None` if it is
/// not a module, or has no names.
pub(crate) fn parts(module: &[u8]) -> Option<(Vec<(&str, usize)>, usize)> {
    let mut reader = Reader { rest: module.strip_prefix(b"\0asm\x01\0\0\0")? };
    let (mut imported, mut sizes, mut names, mut data) = (0, Vec::new(), None, 0);
    while !reader.rest.is_empty() {
        let section = reader.byte()?;
        let size = reader.number()?;
        let mut body = Reader { rest: reader.take(size)? };
        match section {
            0 if body.text()? == "name" => names = Some(body.function_names()?),
            2 => {
                for _ in 0..body.number()? {
                    imported += usize::from(body.import_kind()? == 0);
                }
            }
            10 => {
                for _ in 0..body.number()? {
                    let size = body.number()?;
                    body.take(size)?;
                    sizes.push(size);
                }
            }
            11 => data = size,
            _ => {}
        }
    }
    let named = names?.into_iter().filter_map(|(index, name)| {
        let size = sizes.get(index.checked_sub(imported)?)?;
        Some((name, *size))
    });
    Some((named.collect(), data))
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
        let (name, _) = self.whole_import()?;
        Some(name)
    }

    /// What kind of thing an import is: 0 is a function.
    fn import_kind(&mut self) -> Option<u8> {
        let (_, kind) = self.whole_import()?;
        Some(kind)
    }

    fn whole_import(&mut self) -> Option<(String, u8)> {
        let name = format!("{}.{}", self.text()?, self.text()?);
        let kind = self.byte()?;
        match kind {
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
        Some((name, kind))
    }

    /// Of the section of names, those of functions.
    fn function_names(mut self) -> Option<Vec<(usize, &'a str)>> {
        while !self.rest.is_empty() {
            let kind = self.byte()?;
            let size = self.number()?;
            let mut body = Reader { rest: self.take(size)? };
            if kind == 1 {
                let count = body.number()?;
                return (0..count).map(|_| Some((body.number()?, body.text()?))).collect();
            }
        }
        Some(Vec::new())
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
    fn tells_the_size_of_each_function() {
        let mut module = HEAD.to_vec();
        module.extend([2, 7, 1]);
        module.extend(b"\x01m\x01f\0\0");
        // Two functions, the second of three bytes.
        module.extend([10, 8, 2, 2, 0, 0x0b, 3, 0, 1, 0x0b]);
        module.extend([11, 1, 0]);
        // The name section: the name of the module, then of two functions.
        module.extend(b"\0\x14\x04name\0\x02\x01m\x01\x09\x02\x01\x02ab\x02\x02cd");
        assert_eq!(parts(&module).unwrap(), (vec![("ab", 2), ("cd", 3)], 1));
        assert_eq!(parts(HEAD), None);
    }

    #[test]
    fn what_is_no_module_is_refused() {
        assert_eq!(imports(b"ELF"), None);
        assert_eq!(imports(&[HEAD, &[2, 200]].concat()), None);
    }
}
