//! Longest prefix match: which route a destination takes.

use std::net::IpAddr;

use crate::Prefix;

/// Table from prefixes to `T`, built whole and never changed; its owner swaps it for the next.
///
/// Prefixes are flattened into disjoint ranges, so that a lookup is one binary search over an
/// array (about 20 ns with ten thousand routes) and costs the same however prefixes nest.
#[derive(Debug, Clone)]
pub struct RouteTable<T> {
    v4: Ranges<u32, T>,
    v6: Ranges<u128, T>,
}

impl<T: Copy> RouteTable<T> {
    /// Table of `routes`. Of two routes with the same prefix, the first counts.
    pub fn build(routes: &[(Prefix, T)]) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for &(prefix, value) in routes {
            match prefix.network() {
                IpAddr::V4(network) => {
                    let first = u32::from(network);
                    let host_bits = u32::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
                    v4.push((first, first | host_bits, value));
                }
                IpAddr::V6(network) => {
                    let first = u128::from(network);
                    let host_bits = u128::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
                    v6.push((first, first | host_bits, value));
                }
            }
        }
        Self { v4: Ranges::build(v4, 0, |a| a.checked_add(1)), v6: Ranges::build(v6, 0, |a| a.checked_add(1)) }
    }

    /// The value of the longest prefix that `destination` lies in.
    pub fn lookup(&self, destination: IpAddr) -> Option<T> {
        match destination {
            IpAddr::V4(address) => self.v4.lookup(u32::from(address)),
            IpAddr::V6(address) => self.v6.lookup(u128::from(address)),
        }
    }
}

impl<T> Default for RouteTable<T> {
    fn default() -> Self {
        Self { v4: Ranges::default(), v6: Ranges::default() }
    }
}

/// Disjoint ranges: the value at `i` holds from `starts[i]` until the next start.
#[derive(Debug, Clone)]
struct Ranges<A, T> {
    starts: Vec<A>,
    values: Vec<Option<T>>,
}

impl<A, T> Default for Ranges<A, T> {
    fn default() -> Self {
        Self { starts: Vec::new(), values: Vec::new() }
    }
}

impl<A: Copy + Ord, T: Copy> Ranges<A, T> {
    fn build(mut blocks: Vec<(A, A, T)>, zero: A, after: impl Fn(A) -> Option<A>) -> Self {
        // Outer blocks come before the inner ones they contain; the sort keeps equals in order.
        blocks.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        blocks.dedup_by(|later, kept| (later.0, later.1) == (kept.0, kept.1));
        let mut ranges = Self::default();
        ranges.push(zero, None);
        let mut open: Vec<(A, T)> = Vec::new();
        for (first, last, value) in blocks {
            ranges.close(&mut open, Some(first), &after);
            ranges.push(first, Some(value));
            open.push((last, value));
        }
        ranges.close(&mut open, None, &after);
        ranges
    }

    /// Ends the open blocks that lie before `next`: behind each, what encloses it holds again.
    fn close(&mut self, open: &mut Vec<(A, T)>, next: Option<A>, after: &impl Fn(A) -> Option<A>) {
        while let Some(&(last, _)) = open.last().filter(|o| next.is_none_or(|next| o.0 < next)) {
            open.pop();
            if let Some(start) = after(last) {
                self.push(start, open.last().map(|o| o.1));
            }
        }
    }

    fn push(&mut self, start: A, value: Option<T>) {
        if self.starts.last() == Some(&start) {
            self.starts.pop();
            self.values.pop();
        }
        self.starts.push(start);
        self.values.push(value);
    }

    fn lookup(&self, address: A) -> Option<T> {
        let behind = self.starts.partition_point(|start| *start <= address);
        behind.checked_sub(1).and_then(|at| self.values[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::testing::Rng;

    fn naive(routes: &[(Prefix, usize)], address: IpAddr) -> Option<usize> {
        let mut best: Option<(u8, usize)> = None;
        for (prefix, value) in routes {
            if prefix.contains(address) && best.is_none_or(|(length, _)| prefix.length() > length) {
                best = Some((prefix.length(), *value));
            }
        }
        best.map(|(_, value)| value)
    }

    /// Addresses crowd in few bits, so that prefixes nest, touch and repeat.
    fn address(rng: &mut Rng, v6: bool) -> IpAddr {
        let pick = |rng: &mut Rng| [0u8, 1, 127, 128, 255][rng.below(5)];
        if v6 {
            let mut a = [0u8; 16];
            a.iter_mut().for_each(|b| *b = pick(rng));
            a.into()
        } else {
            [pick(rng), pick(rng), pick(rng), pick(rng)].into()
        }
    }

    #[test]
    fn agrees_with_the_naive_way() {
        let mut rng = Rng(1);
        for _ in 0..300 {
            let routes: Vec<(Prefix, usize)> = (0..rng.below(60))
                .map(|value| {
                    let v6 = rng.below(2) == 1;
                    let length = rng.below(if v6 { 129 } else { 33 }) as u8;
                    (Prefix::containing(address(&mut rng, v6), length).unwrap(), value)
                })
                .collect();
            let table = RouteTable::build(&routes);
            for _ in 0..200 {
                let v6 = rng.below(2) == 1;
                let a = address(&mut rng, v6);
                assert_eq!(table.lookup(a), naive(&routes, a), "{a} in {routes:?}");
            }
            // The rims, where off-by-one lives.
            for (prefix, _) in &routes {
                if let IpAddr::V4(n) = prefix.network() {
                    let last = u32::from(n) | u32::MAX.checked_shr(prefix.length().into()).unwrap_or(0);
                    for a in [u32::from(n), u32::from(n).wrapping_sub(1), last, last.wrapping_add(1)] {
                        let a = IpAddr::from(a.to_be_bytes());
                        assert_eq!(table.lookup(a), naive(&routes, a), "{a} in {routes:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn defaults_hosts_and_nothing() {
        let route = |text: &str, value: u8| (text.parse::<Prefix>().unwrap(), value);
        let table = RouteTable::build(&[route("0.0.0.0/0", 1), route("255.255.255.255/32", 2), route("::/0", 3)]);
        assert_eq!(table.lookup("255.255.255.254".parse().unwrap()), Some(1));
        assert_eq!(table.lookup("255.255.255.255".parse().unwrap()), Some(2));
        assert_eq!(table.lookup("ffff::".parse().unwrap()), Some(3));
        assert_eq!(RouteTable::<u8>::default().lookup("::1".parse().unwrap()), None);
        assert_eq!(RouteTable::<u8>::build(&[]).lookup("1.1.1.1".parse().unwrap()), None);
        let twice = RouteTable::build(&[route("10.0.0.0/8", 1), route("10.0.0.0/8", 2)]);
        assert_eq!(twice.lookup("10.9.9.9".parse().unwrap()), Some(1));
    }

    #[test]
    fn ten_thousand_routes_are_looked_up_quickly() {
        let mut rng = Rng(3);
        let routes: Vec<(Prefix, usize)> = (0..10_000)
            .map(|i| (Prefix::containing((rng.next() as u32).to_be_bytes().into(), 16 + i as u8 % 17).unwrap(), i))
            .collect();
        let table = RouteTable::build(&routes);
        let start = std::time::Instant::now();
        let mut found = 0;
        for _ in 0..100_000 {
            let a = (rng.next() as u32).to_be_bytes().into();
            found += usize::from(std::hint::black_box(table.lookup(a)).is_some());
        }
        let each_ns = start.elapsed().as_nanos() / 100_000;
        println!("lookup: {each_ns} ns");
        assert!(found > 100 && each_ns < 10_000, "{found} found, {each_ns} ns each");
    }
}
