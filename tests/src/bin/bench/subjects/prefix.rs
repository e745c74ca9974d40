//! Our prefix tables by themselves, without the rest of the program.

use anyhow::{Result, anyhow};
use aya::maps::{Array, ArrayOfMaps, MapData};
use xdpgate::policy::{FamilySize, Image, PrefixTables};
use xdpgate_ebpf::abi::family;
use xdpgate_ebpf::abi::prefix::{BLOCK_BYTES, BLOCK_SLACK, ROOT_ENTRIES};

use crate::driver::Driver;

/// A block as the kernel holds it.
const BLOCK: usize = (BLOCK_BYTES + BLOCK_SLACK) as usize;
/// `BPF_F_MMAPABLE`, as the program's arrays are.
const MMAPABLE: u32 = 1 << 10;

type Root = [u32; ROOT_ENTRIES];
type Block = [u8; BLOCK];

/// Writes the tables of an image where the driver's `ours4` and `ours6` look; what they take, for IPv4 and IPv6.
pub(crate) fn write_tables(driver: &mut Driver, image: &Image) -> Result<[FamilySize; 2]> {
    let tables = PrefixTables::compile(&image.ipv4, &image.ipv6)?;
    for (name, family) in [("ROOTS_V4", family::IPV4), ("ROOTS_V6", family::IPV6)] {
        let mut roots: Array<_, Root> = driver.map_mut(name)?.try_into()?;
        let root: Box<Root> = boxed(tables.root(family))?;
        roots.set(0, root.as_ref(), 0)?;
    }
    let mut blocks: ArrayOfMaps<_, Array<MapData, Block>> = driver.map_mut("PREFIX_BLOCKS")?.try_into()?;
    for (number, bytes) in tables.blocks() {
        let block: Box<Block> = boxed(bytes)?;
        let mut inner = Array::<MapData, Block>::create(1, MMAPABLE)?;
        inner.set(0, block.as_ref(), 0)?;
        blocks.set(number, &inner, 0)?;
    }
    let size = tables.size();
    Ok([size.ipv4, size.ipv6])
}

/// On the heap, filled up with zeroes.
fn boxed<T: Copy + Default, const N: usize>(values: &[T]) -> Result<Box<[T; N]>> {
    let mut boxed = values.to_vec();
    boxed.resize(N, T::default());
    boxed.into_boxed_slice().try_into().map_err(|_| anyhow!("more than {N}"))
}
