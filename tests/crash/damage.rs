//! Journals that are cut, filled up with zeros, or changed by single bits: whatever is left of them, no one whose intent
//! was on the disk is mailed again by itself, and nothing panics. Judged twice: by what each run says, and by what
//! nginx counted over all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::read_to_string;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::thread;

use crate::fixtures::{Case, Fixture, wait};
use crate::oracle::{State, states};

/// How many runs are under way at once.
const THREADS: usize = 4;
/// In the small size, one of this many possible damages is tried.
const CUTS: usize = 41;
const BITS: usize = 127;
/// All cuts this short are tried: a journal is recognised by its first bytes.
const FIRST: usize = 8;

/// A journal as a run has left it, and the run that resumes with it.
struct Template {
    case: Case,
    url: Option<String>,
    journal: Vec<u8>,
}

/// What is done to a journal.
struct Damage {
    what: String,
    journal: Vec<u8>,
    /// Whether it may be refused: then no one is mailed. A cut never is.
    refusable: bool,
    /// Who is sent if it is not; the others are accepted or unknown.
    expected: BTreeSet<String>,
}

/// People who are accepted or unknown stay; the others are sent.
fn to_go(case: &Case, journal: &[u8]) -> BTreeSet<String> {
    let states = states(&String::from_utf8_lossy(journal));
    let goes = |email: &&String| !matches!(states.get(*email), Some(State::Accepted | State::Unknown));
    case.emails.iter().filter(goes).cloned().collect()
}

fn command(fixture: &Fixture, url: Option<&String>) -> Command {
    let mut command = fixture.command(support::program());
    if let Some(url) = url {
        command.env("VESCLI_BASE_URL", url);
    }
    command
}

fn finished(mut command: Command) -> Option<i32> {
    wait(&mut command.spawn().unwrap())
}

/// Three of four people accepted.
fn accepted(fixture: &Fixture) -> Template {
    let case = fixture.case("accepted", 4);
    let mut run = command(fixture, None);
    run.args(Fixture::arguments(&case, 2)).args(["--limit", "3"]);
    assert_eq!(finished(run), Some(0));
    template(case, None)
}

/// Everyone unknown, and an operator has resolved two of them.
fn settled(fixture: &Fixture) -> Template {
    let case = fixture.case("settled", 4);
    let url = Some(fixture.failing_url());
    let mut run = command(fixture, url.as_ref());
    run.args(Fixture::arguments(&case, 2));
    assert_eq!(finished(run), Some(11));
    for (email, word) in [(0, "accepted"), (1, "not-sent")] {
        let mut settle = command(fixture, None);
        settle.args(["journal", "resolve", "--as", word, "--email", &case.emails[email]]).arg(&case.journal);
        assert_eq!(finished(settle), Some(0));
    }
    template(case, url)
}

fn template(case: Case, url: Option<String>) -> Template {
    let journal = fs::read(&case.journal).unwrap();
    assert!(journal.ends_with(b"\"}\n"), "room was left at its end");
    Template { case, url, journal }
}

/// Each `step`th place, from a random one on; every one if all are asked for.
fn places(count: usize, step: usize) -> impl Iterator<Item = usize> {
    let all = crate::asked("VESCLI_DAMAGE").as_deref() == Some("all");
    let (first, step) = if all { (0, 1) } else { (fastrand::usize(..step), step) };
    (first..count).step_by(step)
}

fn damages(template: &Template) -> Vec<Damage> {
    let whole = &template.journal;
    let mut damages = Vec::new();
    for length in (0..FIRST).chain(places(whole.len() + 1, CUTS)) {
        for zeros in [0, 1, 5000] {
            let cut = &whole[..length];
            damages.push(Damage {
                what: format!("cut to {length} bytes and {zeros} zeros"),
                journal: [cut, &vec![0; zeros]].concat(),
                refusable: false,
                expected: to_go(&template.case, cut),
            });
        }
    }
    for place in places(whole.len() * 8, BITS) {
        let mut journal = whole.clone();
        journal[place / 8] ^= 1 << (place % 8);
        damages.push(Damage {
            what: format!("bit {} of byte {} turned", place % 8, place / 8),
            journal,
            refusable: true,
            expected: to_go(&template.case, whole),
        });
    }
    damages
}

/// The addresses that a run prints.
fn emails_in(output: &str) -> BTreeSet<String> {
    let words = output.lines().flat_map(str::split_whitespace);
    words.filter(|word| word.contains('@')).map(str::to_owned).collect()
}

/// Resumes with a journal of these bytes: returns the code, and who was sent to.
pub(crate) fn run_with(
    fixture: &Fixture,
    emails: &[String],
    url: Option<&String>,
    journal: &[u8],
) -> (Option<i32>, BTreeSet<String>) {
    let name = format!("damaged{:016x}", fastrand::u64(..));
    let case = fixture.case_of(&name, emails.to_vec());
    fs::write(&case.journal, journal).unwrap();
    // One that others could have written into is refused for that.
    fs::set_permissions(&case.journal, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = command(fixture, url);
    command.args(Fixture::arguments(&case, 2)).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // The output of such a short list fits into the pipe.
    let code = wait(&mut child);
    let sent = emails_in(&read_to_string(child.stdout.take().unwrap()).unwrap());
    (code, sent)
}

/// Resumes with a damaged journal. Returns who was sent to, or what is wrong.
fn resume(fixture: &Fixture, template: &Template, damage: &Damage) -> Result<BTreeSet<String>, String> {
    let url = template.url.as_ref();
    let (code, sent) = run_with(fixture, &template.case.emails, url, &damage.journal);
    let wrong = |what: &str| Err(format!("{}: {what}: code {code:?}, sent to {sent:?}", damage.what));
    if code == Some(65) {
        return match (damage.refusable, sent.is_empty()) {
            (true, true) => Ok(sent),
            (true, false) => wrong("refused, and someone was mailed"),
            (false, _) => wrong("refused"),
        };
    }
    // An intent without an end is unknown, and gives 11.
    if !matches!(code, Some(0 | 11)) {
        return wrong("another code");
    }
    // A bit of the last mark, or of the line break before it, takes the record before it along: that person is unknown
    // again, is not mailed, and the run says so.
    let is_reported = damage.refusable && code == Some(11) && sent.is_subset(&damage.expected);
    if sent != damage.expected && !is_reported {
        return wrong(&format!("not as expected, {:?}", damage.expected));
    }
    Ok(sent)
}

#[test]
fn no_damaged_journal_mails_anyone_again_whose_intent_was_synced() {
    let fixture = Fixture::new();
    let templates = [accepted(&fixture), settled(&fixture)];
    let tasks: Vec<(&Template, Damage)> = templates
        .iter()
        .flat_map(|template| damages(template).into_iter().map(move |damage| (template, damage)))
        .collect();
    let before = fixture.mailed();
    let resume_all = |tasks: &[(&Template, Damage)]| -> Vec<Result<BTreeSet<String>, String>> {
        tasks.iter().map(|(template, damage)| resume(&fixture, template, damage)).collect()
    };
    let results: Vec<Result<BTreeSet<String>, String>> = thread::scope(|scope| {
        let share = tasks.len().div_ceil(THREADS);
        let threads: Vec<_> = tasks.chunks(share).map(|tasks| scope.spawn(|| resume_all(tasks))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let wrong: Vec<&String> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let sent: Vec<BTreeSet<String>> = results.into_iter().flatten().collect();
    let mut expected: BTreeMap<String, usize> = BTreeMap::new();
    for email in sent.iter().flatten() {
        *expected.entry(email.clone()).or_insert(0) += 1;
    }
    let after = fixture.mailed();
    for email in templates.iter().flat_map(|template| &template.case.emails) {
        let counted = after.get(email).unwrap_or(&0) - before.get(email).unwrap_or(&0);
        assert_eq!(counted, expected.get(email).copied().unwrap_or(0), "{email}");
    }
    println!("{} damaged journals: no one mailed again, nothing panicked", tasks.len());
}

#[test]
fn skipping_a_damaged_record_is_detected() {
    let fixture = Fixture::new();
    let template = accepted(&fixture);
    let expected = to_go(&template.case, &template.journal);
    assert_eq!(expected.len(), 1);
    // The planted fault: a bad line in the middle is taken for the end of what can be trusted, and all behind it is cut.
    let text = String::from_utf8(template.journal.clone()).unwrap();
    let lenient: String = text.split_inclusive('\n').take(2).collect();
    let damage = Damage {
        what: "all behind the second line forgotten".to_owned(),
        journal: lenient.into_bytes(),
        refusable: true,
        expected,
    };
    let wrong = resume(&fixture, &template, &damage).unwrap_err();
    assert!(wrong.contains("not as expected"), "{wrong}");
    // And nginx sees that someone was mailed twice who had an intent on the disk.
    let mailed = fixture.mailed();
    assert!(template.case.emails.iter().any(|email| mailed.get(email) == Some(&2)));
}
