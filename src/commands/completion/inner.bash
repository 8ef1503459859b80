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
