//! History past its time.

use bellwether_jobs::Prune;
use bellwether_store as store;
use chrono::Days;

use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn old_counts_go_and_a_second_run_finds_nothing_to_do() {
    let mut stage = Stage::new().await;
    stage.only::<Prune>().await;
    let today = store::now(&stage.pool).await.unwrap().date_naive();
    let drops = [("removed".to_owned(), 3)];
    for day in [today, today - Days::new(400)] {
        store::article::count_drops(&stage.pool, day, "newsapi", &drops).await.unwrap();
    }
    stage.run(&Prune {}).await;
    assert_eq!(stage.count("select count(*) from article_drop").await, 1);
    stage.run(&Prune {}).await;
    assert_eq!(stage.count("select count(*) from article_drop").await, 1);
}
