//! What the generated scripts lack: after `vescli sandbox --` the words of another command follow, and its own completion
//! knows them.

/// For bash: whether the cursor is in the inner command, and then its words. bash-completion's own function for a command
/// within a command has had two names.
const BASH: &str = r#"
__vescli_inner() {
    local i offset=
    for ((i = 1; i < COMP_CWORD; i++)); do
        [[ ${COMP_WORDS[i]} == sandbox ]] && offset=0
        [[ ${COMP_WORDS[i]} == -- ]] || continue
        [[ $offset == 0 ]] || return 1
        ((offset = i + 1))
        break
    done
    [[ ${offset:-0} != 0 ]] || return 1
    compopt +o nospace +o nosort 2>/dev/null
    if declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$offset"
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$offset"
    else
        local IFS=$'\n'
        local kind=-f
        ((offset == COMP_CWORD)) && kind=-c
        COMPREPLY=($(compgen $kind -- "${COMP_WORDS[COMP_CWORD]}"))
    fi
}
"#;
const BASH_CALL: &str = "\n    __vescli_inner && return\n";

/// For zsh, at the beginning of the function.
const ZSH: &str = r"
    local -i inner=${words[(i)--]}
    if (( inner < CURRENT && ${words[(i)sandbox]} < inner )); then
        shift inner words
        (( CURRENT -= inner ))
        _normal
        return
    fi
";

/// For fish: a condition and the words.
const FISH: &str = r"
function __vescli_inner
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    and contains -- sandbox $words[1..$at]
    and string join -- ' ' (string escape -- $words[(math $at + 1)..]) (commandline -ct)
end
complete -c vescli -n '__vescli_inner >/dev/null' -f -a '(complete -C (__vescli_inner))'
";

/// A script with these lines. One that has changed beyond recognition stays as it is; a test finds out.
pub(super) fn added(shell: &str, script: String) -> String {
    let with_call = |begin: &str, call: &str| script.replacen(begin, &format!("{begin}{call}"), 1);
    match shell {
        "bash" => BASH.to_owned() + &with_call("vescli() {", BASH_CALL),
        "zsh" => with_call("vescli() {", ZSH),
        "fish" => script + FISH,
        _ => script,
    }
}
