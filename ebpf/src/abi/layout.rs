//! The one macro that declares a shared layout.

/// Declares a `repr(C)` struct whose size is stated and whose padding is impossible: the sum of the fields' sizes must
/// equal the size of the whole, or the build fails. With the `user` feature it is plain old data for the loader.
macro_rules! shared {
    ($(#[$meta:meta])* $name:ident = $size:literal bytes {
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)+
    }) => {
        $(#[$meta])*
        #[repr(C)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
        }

        const _: () = {
            assert!(size_of::<$name>() == $size, concat!(stringify!($name), ": not the stated size"));
            assert!(0 $(+ size_of::<$type>())+ == $size, concat!(stringify!($name), ": padding between fields"));
        };

        // SAFETY: repr(C), Copy, 'static, no padding (asserted above), and only integers, byte arrays and other
        // shared types as fields, for which every bit pattern is a value.
        #[cfg(all(feature = "user", not(target_arch = "bpf")))]
        #[expect(unsafe_code, reason = "the one place that promises plain old data, with the proof beside it")]
        unsafe impl aya::Pod for $name {}
    };
}

pub(crate) use shared;
