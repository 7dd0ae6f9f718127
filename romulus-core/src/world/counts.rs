use crate::key::ObjectKind;

/// How many keys of this owner are stored, by what they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Backends.
    pub backends: usize,
    /// Frontends.
    pub frontends: usize,
    /// Servers of those backends.
    pub servers: usize,
    /// Middlewares of those frontends.
    pub middlewares: usize,
}

impl Counts {
    /// Backends and frontends.
    pub fn objects(&self) -> usize {
        self.backends + self.frontends
    }

    /// An object of ours with so many children has come.
    pub(super) fn add(&mut self, kind: ObjectKind, children: usize) {
        let (objects, of) = self.of(kind);
        *objects += 1;
        *of += children;
    }

    /// An object of ours with so many children has gone.
    pub(super) fn remove(&mut self, kind: ObjectKind, children: usize) {
        let (objects, of) = self.of(kind);
        *objects -= 1;
        *of -= children;
    }

    fn of(&mut self, kind: ObjectKind) -> (&mut usize, &mut usize) {
        match kind {
            ObjectKind::Backend => (&mut self.backends, &mut self.servers),
            ObjectKind::Frontend => (&mut self.frontends, &mut self.middlewares),
        }
    }
}
