    local -i inner=${words[(i)--]}
    if (( inner < CURRENT && ${words[(i)sandbox]} < inner )); then
        shift inner words
        (( CURRENT -= inner ))
        _normal
        return
    fi
