//! Chance that falls the same each time, whatever becomes of the libraries (SplitMix64).

pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From zero up to one, which does not come.
    fn part(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn real(&mut self, from: f64, until: f64) -> f64 {
        from + (until - from) * self.part()
    }

    /// Both ends may come.
    pub fn between(&mut self, from: i64, until: i64) -> i64 {
        from + (self.part() * (until - from + 1) as f64) as i64
    }

    pub fn whether(&mut self, likely: f64) -> bool {
        self.part() < likely
    }

    pub fn one_of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[(self.part() * all.len() as f64) as usize]
    }

    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.part()).ln()
    }

    pub fn normal(&mut self) -> f64 {
        (2.0 * self.exponential(1.0)).sqrt() * (std::f64::consts::TAU * self.part()).cos()
    }

    /// So many events, of which so many are expected.
    pub fn poisson(&mut self, expected: f64) -> f64 {
        let (mut events, mut passed) = (0.0, self.exponential(1.0));
        while passed < expected {
            events += 1.0;
            passed += self.exponential(1.0);
        }
        events
    }

    /// A whole number that is this one on the average.
    pub fn rounded(&mut self, number: f64) -> f64 {
        number.floor() + if self.whether(number.fract()) { 1.0 } else { 0.0 }
    }
}
