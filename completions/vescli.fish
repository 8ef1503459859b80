# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_vescli_global_optspecs
    string join \n o/output= json q/quiet v/verbose color= h/help V/version
end

function __fish_vescli_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_vescli_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_vescli_using_subcommand
    set -l cmd (__fish_vescli_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c vescli -n "__fish_vescli_needs_command" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_needs_command" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_needs_command" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_needs_command" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_needs_command" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_needs_command" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_needs_command" -s V -l version -d 'Print version'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "send-password-email" -d 'Ask the service to mail one person the link'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "send" -d 'Ask the service to mail one person the link'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "bulk" -d 'Mail everyone on a list once; run it again to continue'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "config" -d 'Create, inspect and check the configuration'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "journal" -d 'Inspect, resolve and repair the journals of bulk runs'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "doctor" -d 'Check configuration, credential and network; mails no one'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "explain" -d 'Explain an exit code, an HTTP status or a class'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "sandbox" -d 'Rehearse against a local stand-in that mails no one'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "completions" -d 'Print the completion script for a shell'
complete -c vescli -n "__fish_vescli_needs_command" -f -a "help" -d 'Show the help of a command or a topic'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s e -l email -d 'Address of the person who gets the link' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l region -d 'Region in the URL [default: us-east-1]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l environment -d 'Environment in the URL [default: production]' -r -f -a "production\t''
staging\t''
development\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l namespace -d 'Namespace in the URL [default: default]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l console -d 'Console of the tenant [default: console.ves.volterra.io]' -r -f -a "console.ves.volterra.io\t''
staging.volterra.us\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l prefix -d 'Prefix in the URL [default: api]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l base-url -d 'Everything before /no_auth/send_password_email, used unchanged' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l token-file -d 'File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l cert -d 'Client certificate and its chain (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l key -d 'Private key of the client certificate (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l p12 -l p12-bundle -d 'Client certificate and key in one PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l p12-password-file -d 'File that contains the password of the PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l timeout -d 'Time limit for one whole attempt [default: 30s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l connect-timeout -d 'Time limit for connecting, TLS included [default: 10s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s x -l proxy -d 'Proxy to tunnel through (http, https or socks5h)' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l noproxy -d 'Hosts that are reached without the proxy, separated by commas' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l cacert -d 'Certificates (PEM) to trust besides the system\'s store' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l resolve -d 'Address to use for a host and port instead of asking DNS; may be repeated' -r
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l retries -d 'Retries after failures that cannot have sent mail; 0 disables [default: 2]' -r
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l max-retry-after -d 'Longest wait that a Retry-After of the server may ask for [default: 5m]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l wait-for-user -d 'Retry a 404 for this long, such as 2m, until a user who was just created exists; 0s disables [default: 0s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l allow-any-email -d 'Accept an address that the published pattern refuses'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l no-auth -d 'Send no credential, even when one is configured'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l retry-unknown -d 'Also retry what may have been sent: a person may be mailed twice'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s n -l dry-run -d 'Print the request and send nothing'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l show-curl -d 'Print the equivalent curl command (bash, zsh, fish, dash) without the secret, and send nothing'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l no-input -d 'Never ask a question'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l no-journal -d 'Do not record the send: no list will know this person'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand send-password-email" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand send" -s e -l email -d 'Address of the person who gets the link' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l region -d 'Region in the URL [default: us-east-1]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l environment -d 'Environment in the URL [default: production]' -r -f -a "production\t''
staging\t''
development\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send" -l namespace -d 'Namespace in the URL [default: default]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l console -d 'Console of the tenant [default: console.ves.volterra.io]' -r -f -a "console.ves.volterra.io\t''
staging.volterra.us\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send" -l prefix -d 'Prefix in the URL [default: api]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l base-url -d 'Everything before /no_auth/send_password_email, used unchanged' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l token-file -d 'File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l cert -d 'Client certificate and its chain (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l key -d 'Private key of the client certificate (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l p12 -l p12-bundle -d 'Client certificate and key in one PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l p12-password-file -d 'File that contains the password of the PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l timeout -d 'Time limit for one whole attempt [default: 30s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l connect-timeout -d 'Time limit for connecting, TLS included [default: 10s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -s x -l proxy -d 'Proxy to tunnel through (http, https or socks5h)' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l noproxy -d 'Hosts that are reached without the proxy, separated by commas' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l cacert -d 'Certificates (PEM) to trust besides the system\'s store' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand send" -l resolve -d 'Address to use for a host and port instead of asking DNS; may be repeated' -r
complete -c vescli -n "__fish_vescli_using_subcommand send" -l retries -d 'Retries after failures that cannot have sent mail; 0 disables [default: 2]' -r
complete -c vescli -n "__fish_vescli_using_subcommand send" -l max-retry-after -d 'Longest wait that a Retry-After of the server may ask for [default: 5m]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -l wait-for-user -d 'Retry a 404 for this long, such as 2m, until a user who was just created exists; 0s disables [default: 0s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand send" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand send" -l allow-any-email -d 'Accept an address that the published pattern refuses'
complete -c vescli -n "__fish_vescli_using_subcommand send" -l no-auth -d 'Send no credential, even when one is configured'
complete -c vescli -n "__fish_vescli_using_subcommand send" -l retry-unknown -d 'Also retry what may have been sent: a person may be mailed twice'
complete -c vescli -n "__fish_vescli_using_subcommand send" -s n -l dry-run -d 'Print the request and send nothing'
complete -c vescli -n "__fish_vescli_using_subcommand send" -l show-curl -d 'Print the equivalent curl command (bash, zsh, fish, dash) without the secret, and send nothing'
complete -c vescli -n "__fish_vescli_using_subcommand send" -l no-input -d 'Never ask a question'
complete -c vescli -n "__fish_vescli_using_subcommand send" -l no-journal -d 'Do not record the send: no list will know this person'
complete -c vescli -n "__fish_vescli_using_subcommand send" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand send" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand send" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand send" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l region -d 'Region in the URL [default: us-east-1]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l environment -d 'Environment in the URL [default: production]' -r -f -a "production\t''
staging\t''
development\t''"
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l namespace -d 'Namespace in the URL [default: default]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l console -d 'Console of the tenant [default: console.ves.volterra.io]' -r -f -a "console.ves.volterra.io\t''
staging.volterra.us\t''"
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l prefix -d 'Prefix in the URL [default: api]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l base-url -d 'Everything before /no_auth/send_password_email, used unchanged' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l token-file -d 'File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l cert -d 'Client certificate and its chain (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l key -d 'Private key of the client certificate (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l p12 -l p12-bundle -d 'Client certificate and key in one PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l p12-password-file -d 'File that contains the password of the PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l timeout -d 'Time limit for one whole attempt [default: 30s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l connect-timeout -d 'Time limit for connecting, TLS included [default: 10s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s x -l proxy -d 'Proxy to tunnel through (http, https or socks5h)' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l noproxy -d 'Hosts that are reached without the proxy, separated by commas' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l cacert -d 'Certificates (PEM) to trust besides the system\'s store' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l resolve -d 'Address to use for a host and port instead of asking DNS; may be repeated' -r
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l retries -d 'Retries after failures that cannot have sent mail; 0 disables [default: 2]' -r
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l max-retry-after -d 'Longest wait that a Retry-After of the server may ask for [default: 5m]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l wait-for-user -d 'Retry a 404 for this long, such as 2m, until a user who was just created exists; 0s disables [default: 0s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l rate -d 'Highest rate of requests: 30/m, 30 (a minute), 0.5/s; units s, m, h; `none` for no limit [default: 60/m]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l jobs -d 'Concurrent requests, 1 to 256; fewer if the machine has too few file descriptors or threads [default: 4]' -r
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l max-failures -d 'Stop after N consecutive rows that were not accepted; 0 never stops [default: 10]' -r
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l format -d 'Format of the list [default: auto]' -r -f -a "auto\t''
csv\t''
ndjson\t''
lines\t''"
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l journal -d 'Journal of the run [default: one for each URL, cname and list; `vescli journal list` shows them]' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l limit -d 'Send at most N rows of the list and end with 0 if they are accepted; the next run continues after them' -r
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l shard -d 'Send only shard K of N, a fixed part of the people; --rate is for all shards together, --jobs and --limit for each' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l known -d 'People known from other lists: `skip` them, or `send` to them again [default: ask, or refuse]' -r -f -a "skip\t''
send\t''"
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l junit -d 'Write a JUnit report with a case for each row to FILE when the run has ended, for a CI system' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l metrics -d 'Write counts, times and exit code to FILE when the run has ended, for node_exporter\'s textfile collector' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l allow-any-email -d 'Accept an address that the published pattern refuses'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l no-auth -d 'Send no credential, even when one is configured'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l retry-unknown -d 'Also retry what may have been sent: a person may be mailed twice'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l keep-alive -d 'Reuse connections that were idle for less than a second: faster, with a small risk of unknown rows'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l skip-invalid -d 'Leave out invalid rows instead of refusing the list; they are always counted'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l fresh -d 'Start a new journal: people already mailed will be mailed again (people known from other lists: see --known)'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l retry-rejected -d 'Send again the rows that the service rejected earlier'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l resend-unknown -d 'Send again the rows that are unknown: a person may be mailed twice'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l yes -d 'Do not ask for confirmation; needed without a terminal'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s n -l dry-run -d 'Print the plan and send nothing'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l no-input -d 'Never ask a question'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand bulk" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -f -a "path" -d 'Print the path of the configuration file'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -f -a "init" -d 'Write a first configuration file; an existing one is left alone'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -f -a "show" -d 'Print the configuration file unchanged'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -f -a "explain" -d 'Print every setting with its value and origin'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -f -a "check" -d 'Check the configuration file'
complete -c vescli -n "__fish_vescli_using_subcommand config; and not __fish_seen_subcommand_from path init show explain check profiles" -f -a "profiles" -d 'List the profiles and mark the chosen one'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from path" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -l token-file -d 'File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from init" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s e -l email -d 'Address of the person who gets the link' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l region -d 'Region in the URL [default: us-east-1]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l environment -d 'Environment in the URL [default: production]' -r -f -a "production\t''
staging\t''
development\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l namespace -d 'Namespace in the URL [default: default]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l console -d 'Console of the tenant [default: console.ves.volterra.io]' -r -f -a "console.ves.volterra.io\t''
staging.volterra.us\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l prefix -d 'Prefix in the URL [default: api]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l base-url -d 'Everything before /no_auth/send_password_email, used unchanged' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l token-file -d 'File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l cert -d 'Client certificate and its chain (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l key -d 'Private key of the client certificate (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l p12 -l p12-bundle -d 'Client certificate and key in one PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l p12-password-file -d 'File that contains the password of the PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l timeout -d 'Time limit for one whole attempt [default: 30s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l connect-timeout -d 'Time limit for connecting, TLS included [default: 10s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s x -l proxy -d 'Proxy to tunnel through (http, https or socks5h)' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l noproxy -d 'Hosts that are reached without the proxy, separated by commas' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l cacert -d 'Certificates (PEM) to trust besides the system\'s store' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l resolve -d 'Address to use for a host and port instead of asking DNS; may be repeated' -r
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l retries -d 'Retries after failures that cannot have sent mail; 0 disables [default: 2]' -r
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l max-retry-after -d 'Longest wait that a Retry-After of the server may ask for [default: 5m]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l wait-for-user -d 'Retry a 404 for this long, such as 2m, until a user who was just created exists; 0s disables [default: 0s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l allow-any-email -d 'Accept an address that the published pattern refuses'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l no-auth -d 'Send no credential, even when one is configured'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l retry-unknown -d 'Also retry what may have been sent: a person may be mailed twice'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from explain" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand config; and __fish_seen_subcommand_from profiles" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "list" -d 'List the journals with their rows and times'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "show" -d 'Print a summary, then the rows that need a decision'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "check" -d 'Check a journal: what is damaged, where, and what to do'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "export" -d 'Print everyone in a journal: CSV, or with --json an object per line'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "resolve" -d 'Record the outcome of rows that are unknown; sends nothing'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "merge" -d 'Merge journals of several shards or machines into a new one'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "repair" -d 'Make a damaged journal usable; people on damaged lines become unknown'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "rm" -d 'Remove one journal'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and not __fish_seen_subcommand_from list show check export resolve merge repair rm prune" -f -a "prune" -d 'Remove journals of finished runs, and files left by killed runs'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from list" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from list" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from list" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from show" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from show" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from show" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from show" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from show" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from check" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from check" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from check" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -l csv -d 'Print CSV, also where a variable asks for JSON'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from export" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -s e -l email -d 'Address of a row; may be repeated' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -l as -d 'Outcome of the rows: accepted if the people were mailed, not-sent if no one was' -r -f -a "accepted\t''
not-sent\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -l all-unknown -d 'All rows that are unknown, instead of --email'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -l undo -d 'Take back an earlier `resolve`: the rows are unknown again'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from resolve" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -l into -d 'File for the merged journal; one that exists is never overwritten' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from merge" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l list -d 'The list that the journal belongs to: it names the people whose lines are damaged' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l cname -d 'Domain that the tenant belongs to [default: the tenant]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l region -d 'Region in the URL [default: us-east-1]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l environment -d 'Environment in the URL [default: production]' -r -f -a "production\t''
staging\t''
development\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l namespace -d 'Namespace in the URL [default: default]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l console -d 'Console of the tenant [default: console.ves.volterra.io]' -r -f -a "console.ves.volterra.io\t''
staging.volterra.us\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l prefix -d 'Prefix in the URL [default: api]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l base-url -d 'Everything before /no_auth/send_password_email, used unchanged' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from repair" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -l yes -d 'Do not ask for confirmation; needed without a terminal'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -l no-input -d 'Never ask a question'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from rm" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -l older-than -d 'Only journals whose last run is at least this long ago, such as 90d' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -s n -l dry-run -d 'Show what would be removed, and remove nothing'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -l yes -d 'Do not ask for confirmation; needed without a terminal'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -l no-input -d 'Never ask a question'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand journal; and __fish_seen_subcommand_from prune" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -s p -l profile -d 'Profile of the configuration file to use' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l config -d 'Configuration file to read; `none` reads no file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l tenant -d 'Tenant: the first label of the console\'s host name' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l region -d 'Region in the URL [default: us-east-1]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l environment -d 'Environment in the URL [default: production]' -r -f -a "production\t''
staging\t''
development\t''"
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l namespace -d 'Namespace in the URL [default: default]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l console -d 'Console of the tenant [default: console.ves.volterra.io]' -r -f -a "console.ves.volterra.io\t''
staging.volterra.us\t''"
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l prefix -d 'Prefix in the URL [default: api]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l base-url -d 'Everything before /no_auth/send_password_email, used unchanged' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l token-file -d 'File that contains the API token, if not in VESCLI_TOKEN; `-` reads standard input' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l cert -d 'Client certificate and its chain (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l key -d 'Private key of the client certificate (PEM)' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l p12 -l p12-bundle -d 'Client certificate and key in one PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l p12-password-file -d 'File that contains the password of the PKCS#12 file' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l timeout -d 'Time limit for one whole attempt [default: 30s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l connect-timeout -d 'Time limit for connecting, TLS included [default: 10s]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -s x -l proxy -d 'Proxy to tunnel through (http, https or socks5h)' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l noproxy -d 'Hosts that are reached without the proxy, separated by commas' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l cacert -d 'Certificates (PEM) to trust besides the system\'s store' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l resolve -d 'Address to use for a host and port instead of asking DNS; may be repeated' -r
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l no-auth -d 'Send no credential, even when one is configured'
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand explain" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand explain" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand explain" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand explain" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand explain" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand explain" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l port -d 'Port of 127.0.0.1 [default: any free port]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l fail-rate -d 'Answer 503 to this share of requests, such as 5%' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l log -d 'Write one JSON line for each request received' -r -F
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l rate -d 'Answer 429 beyond this rate [default: no limit]' -r -f
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l tls -d 'Serve https; VESCLI_CACERT names the authority'
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l require-auth -d 'Answer 401 to a request without the sandbox\'s own token'
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand sandbox" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand completions" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand completions" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand completions" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand completions" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand completions" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand completions" -s h -l help -d 'Print help'
complete -c vescli -n "__fish_vescli_using_subcommand help" -s o -l output -d 'Format of the result on standard output [default: text]' -r -f -a "text\t''
json\t''"
complete -c vescli -n "__fish_vescli_using_subcommand help" -l color -d 'When to use colours [default: auto]' -r -f -a "auto\t''
always\t''
never\t''"
complete -c vescli -n "__fish_vescli_using_subcommand help" -l json -d 'Short for --output json'
complete -c vescli -n "__fish_vescli_using_subcommand help" -s q -l quiet -d 'Print nothing on success, and with --json nothing on standard error'
complete -c vescli -n "__fish_vescli_using_subcommand help" -s v -l verbose -d 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too'
complete -c vescli -n "__fish_vescli_using_subcommand help" -s h -l help -d 'Print help'

function __vescli_inner
    set -l words (commandline -opc)
    set -l at (contains -i -- -- $words)
    and contains -- sandbox $words[1..$at]
    and string join -- ' ' (string escape -- $words[(math $at + 1)..]) (commandline -ct)
end
complete -c vescli -n '__vescli_inner >/dev/null' -f -a '(complete -C (__vescli_inner))'
