//! Claims of random lanes under random limits, compared with a model: in order of priority and number, a
//! job is claimed if the keys of its lane have capacity left.

use std::{collections::BTreeMap, time::Duration};

use crate::support::*;
use bellwether_queue::limits::{self, Counts, LaneKey, Limit, Window};
use rand::{RngExt, rngs::StdRng};

const HOUR: Duration = Duration::from_hours(1);

struct Model {
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
        let mut model =
            Self { counts, left: BTreeMap::new(), lanes: BTreeMap::new(), ready: BTreeMap::new() };
        for lane in 0..dice.random_range(1..7) {
            let lane = format!("l{lane}");
            let mut keys = Vec::new();
            if dice.random_range(0..3) > 0 {
                let key = format!("{queue}_k{}", dice.random_range(0..3));
                keys = model.key(pool, &key, dice).await;
                limits::set_lane(pool, queue, &lane, &[LaneKey::new(&key)]).await.unwrap();
            }
            model.lanes.insert(lane, keys);
        }
        model
    }

    /// Defines the key if it is new; some keys have a parent, which they share.
    async fn key(&mut self, pool: &Db, key: &str, dice: &mut StdRng) -> Vec<String> {
        let parent = key.ends_with(['0', '1']).then(|| key.split('_').next().unwrap().to_owned());
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

    fn claim(&mut self, limit: usize) -> Vec<i64> {
        let mut claimed = Vec::new();
        for (place, lane) in &self.ready {
            let keys = &self.lanes[lane];
            if claimed.len() < limit && keys.iter().all(|key| self.left[key] > 0) {
                for key in keys {
                    *self.left.get_mut(key).unwrap() -= 1;
                }
                claimed.push(*place);
            }
        }
        self.ready.retain(|place, _| !claimed.contains(place));
        claimed.into_iter().map(|(_, id)| id).collect()
    }
}

#[tokio::test]
async fn claims_of_random_lanes_and_keys_take_the_jobs_that_the_model_takes() {
    let db = database().await;
    let pool = Db::direct(db.pool());
    let mut hand = ByHand::register(pool.clone()).await;
    let mut dice = seeded();
    for round in 0..40 {
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
            let limit = dice.random_range(1..25);
            let got: Vec<_> =
                hand.claim(&queue, limit).await.into_iter().map(|got| got.id).collect();
            let wanted = model.claim(limit as usize);
            assert_eq!(got, wanted, "round {round}, step {step}, at most {limit}");
        }
    }
}
