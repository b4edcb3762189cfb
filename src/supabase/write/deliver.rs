//! Trying again without writing anything twice.

use std::time::Duration;

use crate::http::Patience;
use crate::supabase::write::WriteError;

/// What becomes of a write that is sent a second time, after its answer was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replay {
    /// The same, with the same answer.
    Harmless,
    /// No row twice, but the answer counts only what the second one did.
    Recounts,
    /// It could write rows twice.
    Never,
}

/// What came of one try.
#[derive(Debug)]
pub(super) enum Attempt {
    /// It was done (or rehearsed), with so many rows.
    Done(u64),
    /// It was certainly not done, and may be the next time.
    Again(WriteError),
    /// It was certainly not done: the API does not know the table as it is now. It learns within a second.
    Stale(WriteError),
    /// Nobody knows.
    Lost(String),
    /// It was certainly not done.
    Failed(WriteError),
}

/// How long the API is given to learn of a table.
const STALE_PAUSE: Duration = Duration::from_millis(300);
const STALE_TRIES: u32 = 8;
/// The longest pause between tries.
const LONGEST: Duration = Duration::from_secs(20);

/// Tries until it is done, or trying again would not help or not be safe. `rows`: how many it is about.
pub(super) async fn deliver<F, T>(
    patience: Patience,
    replay: Replay,
    rows: usize,
    mut attempt: F,
) -> Result<u64, WriteError>
where
    F: FnMut() -> T,
    T: Future<Output = Attempt> + Send,
{
    let mut lost: Option<String> = None;
    let (mut tries, mut stale) = (0, 0);
    loop {
        let (error, pause) = match attempt().await {
            Attempt::Done(done) => {
                return match lost {
                    // what is missing may be what the first one did, or what is not there
                    Some(why) if replay == Replay::Recounts && done != rows as u64 => Err(WriteError::Unknown(why)),
                    _ => Ok(done),
                };
            }
            Attempt::Failed(error) => return Err(error),
            Attempt::Stale(error) => {
                stale += 1;
                if stale >= STALE_TRIES {
                    return Err(error);
                }
                tokio::time::sleep(STALE_PAUSE).await;
                continue;
            }
            Attempt::Lost(why) if replay == Replay::Never => return Err(WriteError::Unknown(why)),
            Attempt::Lost(why) => {
                lost = Some(why.clone());
                (WriteError::Unknown(why), patience.first_delay)
            }
            Attempt::Again(error) => (error, patience.first_delay),
        };
        tries += 1;
        if tries >= patience.tries {
            // after a lost answer, a try that was not done says nothing about the first
            return Err(lost.map_or(error, WriteError::Unknown));
        }
        tokio::time::sleep((pause * 2_u32.saturating_pow(tries - 1)).min(LONGEST)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supabase::write::refused;

    async fn told(replay: Replay, attempts: Vec<Attempt>) -> (Result<u64, String>, usize) {
        let patience = Patience { tries: 3, first_delay: Duration::ZERO, timeout: Duration::ZERO };
        let mut left = attempts.into_iter();
        let mut asked = 0;
        let result = deliver(patience, replay, 5, || {
            asked += 1;
            let next = left.next().unwrap_or(Attempt::Lost("the end".to_owned()));
            async move { next }
        })
        .await;
        (result.map_err(|e| e.to_string()), asked)
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_is_believed_only_where_it_can_be() {
        use Attempt::{Again, Done, Failed, Lost, Stale};
        let lost = || Lost("lost".to_owned());
        let no = || refused("1", "no");
        assert_eq!(told(Replay::Never, vec![lost(), Done(5)]).await, (Err("lost".to_owned()), 1));
        assert_eq!(told(Replay::Harmless, vec![lost(), Done(3)]).await, (Ok(3), 2));
        assert_eq!(told(Replay::Recounts, vec![lost(), Done(5)]).await, (Ok(5), 2));
        assert_eq!(told(Replay::Recounts, vec![lost(), Done(0)]).await, (Err("lost".to_owned()), 2));
        assert_eq!(told(Replay::Recounts, vec![Again(no()), Done(0)]).await, (Ok(0), 2));
        assert_eq!(told(Replay::Harmless, vec![lost(), Again(no()), Again(no())]).await, (Err("lost".to_owned()), 3));
        assert_eq!(
            told(Replay::Never, vec![Again(no()), Again(no()), Again(no())]).await,
            (Err("no (1)".to_owned()), 3)
        );
        assert_eq!(told(Replay::Never, vec![Failed(no()), Done(1)]).await, (Err("no (1)".to_owned()), 1));
        assert_eq!(told(Replay::Never, vec![Stale(no()), Stale(no()), Stale(no()), Done(1)]).await, (Ok(1), 4));
        let stale = (0..20).map(|_| Stale(no())).collect();
        assert_eq!(told(Replay::Never, stale).await, (Err("no (1)".to_owned()), 8));
    }
}
