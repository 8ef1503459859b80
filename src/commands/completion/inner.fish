function __vescli_inner
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    and contains -- sandbox $words[1..$at]
    and string join -- ' ' (string escape -- $words[(math $at + 1)..]) (commandline -ct)
end
complete -c vescli -n '__vescli_inner >/dev/null' -f -a '(complete -C (__vescli_inner))'
