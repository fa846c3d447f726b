//! Claims of random lanes under random limits, compared with a model. Lanes with keys of their own are served
//! in order of priority and number, as far as each key has capacity. Lanes that share a key or its parent are
//! served in order each, and none waits while it could be served; a claim reads no further than its number of
//! jobs, so a lane may be passed over once others have used up the key.

use std::{collections::BTreeMap, time::Duration};

use crate::support::*;
use bellwether_queue::limits::{self, Counts, LaneKey, Limit, Window};
use rand::{RngExt, rngs::StdRng};

const HOUR: Duration = Duration::from_hours(1);
const ROUNDS: usize = 40;

#[derive(Clone)]
struct Model {
    /// Lanes share keys.
    shared: bool,
    /// A key and its parent count alike.
    counts: Counts,
    /// Capacity left of each key.
    left: BTreeMap<String, u32>,
    /// The key of each lane, and that key's parent.
    lanes: BTreeMap<String, Vec<String>>,
    /// Waiting jobs with their lanes, in the order of claims.
    ready: BTreeMap<(u8, i64), String>,
}

impl Model {
    async fn draw(pool: &Db, queue: &str, dice: &mut StdRng) -> Self {
        let counts = [Counts::Finish, Counts::Start { guard: Duration::ZERO }];
        let counts = counts[dice.random_range(0..2)];
        let mut model = Self {
            shared: dice.random_range(0..2) == 0,
            counts,
            left: BTreeMap::new(),
            lanes: BTreeMap::new(),
            ready: BTreeMap::new(),
        };
        for n in 0..dice.random_range(1..7) {
            let lane = format!("l{n}");
            let mut keys = Vec::new();
            if dice.random_range(0..3) > 0 {
                let no = if model.shared { dice.random_range(0..3) } else { n };
                let key = format!("{queue}_k{no}");
                keys = model.key(pool, &key, dice).await;
                limits::set_lane(pool, queue, &lane, &[LaneKey::new(&key)]).await.unwrap();
            }
            model.lanes.insert(lane, keys);
        }
        model
    }

    /// Defines the key if it is new; some keys have a parent, which they share.
    async fn key(&mut self, pool: &Db, key: &str, dice: &mut StdRng) -> Vec<String> {
        let parent =
            (self.shared && !key.ends_with('0')).then(|| key.split('_').next().unwrap().to_owned());
        let chain: Vec<_> = [key.to_owned()].into_iter().chain(parent.clone()).collect();
        for name in chain.iter().rev() {
            if self.left.contains_key(name) {
                continue;
            }
            let amount = dice.random_range(1..20);
            let mut limit =
                Limit::new(name, self.counts).window(Window::requests(amount.into(), HOUR));
            let mut left = amount;
            if dice.random_range(0..3) == 0 {
                let most = dice.random_range(1..10);
                limit = limit.in_flight(most);
                left = left.min(most);
            }
            if let Some(parent) = parent.as_ref().filter(|parent| *parent != name) {
                limit = limit.parent(parent);
            }
            limits::define(pool, &limit).await.unwrap();
            self.left.insert(name.clone(), left);
        }
        chain
    }

    /// The first jobs whose keys have capacity left.
    fn first(&self, limit: usize) -> Vec<i64> {
        let mut model = self.clone();
        let jobs: Vec<_> = self.ready.keys().map(|(_, id)| *id).collect();
        jobs.into_iter().filter(|id| model.take(*id)).take(limit).collect()
    }

    /// Claims the job. False: it is not the first of its lane, or a key has no capacity left.
    fn take(&mut self, id: i64) -> bool {
        let (place, lane) = self.ready.iter().find(|((_, job), _)| *job == id).unwrap();
        let place = *place;
        let first = self.ready.iter().find(|(_, other)| *other == lane).unwrap();
        let keys = &self.lanes[lane];
        if *first.0 != place || keys.iter().any(|key| self.left[key] == 0) {
            return false;
        }
        for key in keys {
            *self.left.get_mut(key).unwrap() -= 1;
        }
        self.ready.remove(&place);
        true
    }
}

#[tokio::test]
async fn claims_of_random_lanes_and_keys_take_the_jobs_that_the_model_takes() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let mut dice = seeded();
    for round in 0..ROUNDS {
        let queue = format!("q{round}");
        let mut model = Model::draw(&pool, &queue, &mut dice).await;
        for step in 0..6 {
            let lanes: Vec<_> = model.lanes.keys().cloned().collect();
            let jobs: Vec<_> = (0..dice.random_range(0..30))
                .map(|_| {
                    let mut job = call(&lanes[dice.random_range(0..lanes.len())]);
                    job.queue.clone_from(&queue);
                    job.priority(dice.random_range(0..10))
                })
                .collect();
            for (job, id) in jobs.iter().zip(add_all(&pool, &jobs).await) {
                model.ready.insert((job.priority, id.0), job.lane.clone());
            }
            let limit: i32 = dice.random_range(1..25);
            let told = format!("round {round}, step {step}, at most {limit}");
            let wanted = model.first(limit as usize);
            let mut got = Vec::new();
            loop {
                let more = hand.claim(&queue, limit - got.len() as i32).await;
                got.extend(more.iter().map(|got| got.id));
                if more.is_empty() || got.len() as i32 == limit {
                    break;
                }
            }
            if !model.shared {
                assert_eq!(got, wanted, "{told}");
            }
            for id in &got {
                assert!(model.take(*id), "{told}: {id} of {got:?}");
            }
            let waits = got.len() as i32 == limit || model.first(1).is_empty();
            assert!(waits, "{told}: {got:?}, and not {:?}", model.first(1));
        }
    }
}
