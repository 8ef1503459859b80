
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'vescli' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'vescli'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'vescli' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('send-password-email', 'send-password-email', [CompletionResultType]::ParameterValue, 'Ask the service to mail one person the link')
            [CompletionResult]::new('send', 'send', [CompletionResultType]::ParameterValue, 'Ask the service to mail one person the link')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Look into the configuration')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Tell what an exit code, an HTTP status or a class means, and what to do')
            [CompletionResult]::new('sandbox', 'sandbox', [CompletionResultType]::ParameterValue, 'Run a local stand-in for the service, to rehearse a runbook; mails nobody')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print the completion script for a shell')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Tell more about a command or a topic')
            break
        }
        'vescli;send-password-email' {
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Address of the person who gets the link')
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'Address of the person who gets the link')
            [CompletionResult]::new('--cname', '--cname', [CompletionResultType]::ParameterName, 'Domain under which the tenant belongs [default: the tenant]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'Tenant: the first label of the console''s host name')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Region in the URL [default: us-east-1]')
            [CompletionResult]::new('--environment', '--environment', [CompletionResultType]::ParameterName, 'Environment in the URL [default: production]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace in the URL [default: default]')
            [CompletionResult]::new('--console', '--console', [CompletionResultType]::ParameterName, 'Console that the tenant lives on [default: console.ves.volterra.io]')
            [CompletionResult]::new('--prefix', '--prefix', [CompletionResultType]::ParameterName, 'Prefix in the URL [default: api]')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Everything before /no_auth/send_password_email, used as it stands')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds the API token; `-` reads standard input')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate and its chain (PEM)')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of the client certificate (PEM)')
            [CompletionResult]::new('--p12', '--p12', [CompletionResultType]::ParameterName, 'Client certificate and key in one PKCS#12 file')
            [CompletionResult]::new('--p12-bundle', '--p12-bundle', [CompletionResultType]::ParameterName, 'Client certificate and key in one PKCS#12 file')
            [CompletionResult]::new('--p12-password-file', '--p12-password-file', [CompletionResultType]::ParameterName, 'File that holds the password of the PKCS#12 file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest time for one attempt, all of it [default: 30s]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time until the connection is up, TLS included [default: 10s]')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Proxy to tunnel through (http, https or socks5h)')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to tunnel through (http, https or socks5h)')
            [CompletionResult]::new('--noproxy', '--noproxy', [CompletionResultType]::ParameterName, 'Hosts that are reached without the proxy, separated by commas')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Certificates (PEM) to trust besides the system''s store')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use for a host and port instead of asking DNS; may be given again')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Repeats after a failure that surely mailed nobody; 0 for none [default: 2]')
            [CompletionResult]::new('--max-retry-after', '--max-retry-after', [CompletionResultType]::ParameterName, 'Longest wait that the server may ask for with Retry-After [default: 5m]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--allow-any-email', '--allow-any-email', [CompletionResultType]::ParameterName, 'Accept an address that the published pattern refuses')
            [CompletionResult]::new('--no-auth', '--no-auth', [CompletionResultType]::ParameterName, 'Send no credential, even when one is configured')
            [CompletionResult]::new('--retry-unknown', '--retry-unknown', [CompletionResultType]::ParameterName, 'Repeat also what may have been sent: somebody may be mailed twice')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print the request and send nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the request and send nothing')
            [CompletionResult]::new('--show-curl', '--show-curl', [CompletionResultType]::ParameterName, 'Print the equal curl command, without the secret, and send nothing')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;send' {
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Address of the person who gets the link')
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'Address of the person who gets the link')
            [CompletionResult]::new('--cname', '--cname', [CompletionResultType]::ParameterName, 'Domain under which the tenant belongs [default: the tenant]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'Tenant: the first label of the console''s host name')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Region in the URL [default: us-east-1]')
            [CompletionResult]::new('--environment', '--environment', [CompletionResultType]::ParameterName, 'Environment in the URL [default: production]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace in the URL [default: default]')
            [CompletionResult]::new('--console', '--console', [CompletionResultType]::ParameterName, 'Console that the tenant lives on [default: console.ves.volterra.io]')
            [CompletionResult]::new('--prefix', '--prefix', [CompletionResultType]::ParameterName, 'Prefix in the URL [default: api]')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Everything before /no_auth/send_password_email, used as it stands')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds the API token; `-` reads standard input')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate and its chain (PEM)')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of the client certificate (PEM)')
            [CompletionResult]::new('--p12', '--p12', [CompletionResultType]::ParameterName, 'Client certificate and key in one PKCS#12 file')
            [CompletionResult]::new('--p12-bundle', '--p12-bundle', [CompletionResultType]::ParameterName, 'Client certificate and key in one PKCS#12 file')
            [CompletionResult]::new('--p12-password-file', '--p12-password-file', [CompletionResultType]::ParameterName, 'File that holds the password of the PKCS#12 file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest time for one attempt, all of it [default: 30s]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time until the connection is up, TLS included [default: 10s]')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Proxy to tunnel through (http, https or socks5h)')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to tunnel through (http, https or socks5h)')
            [CompletionResult]::new('--noproxy', '--noproxy', [CompletionResultType]::ParameterName, 'Hosts that are reached without the proxy, separated by commas')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Certificates (PEM) to trust besides the system''s store')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use for a host and port instead of asking DNS; may be given again')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Repeats after a failure that surely mailed nobody; 0 for none [default: 2]')
            [CompletionResult]::new('--max-retry-after', '--max-retry-after', [CompletionResultType]::ParameterName, 'Longest wait that the server may ask for with Retry-After [default: 5m]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--allow-any-email', '--allow-any-email', [CompletionResultType]::ParameterName, 'Accept an address that the published pattern refuses')
            [CompletionResult]::new('--no-auth', '--no-auth', [CompletionResultType]::ParameterName, 'Send no credential, even when one is configured')
            [CompletionResult]::new('--retry-unknown', '--retry-unknown', [CompletionResultType]::ParameterName, 'Repeat also what may have been sent: somebody may be mailed twice')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Print the request and send nothing')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the request and send nothing')
            [CompletionResult]::new('--show-curl', '--show-curl', [CompletionResultType]::ParameterName, 'Print the equal curl command, without the secret, and send nothing')
            [CompletionResult]::new('--no-input', '--no-input', [CompletionResultType]::ParameterName, 'Never ask a question')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;config' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('path', 'path', [CompletionResultType]::ParameterValue, 'Print where the configuration file is looked for')
            [CompletionResult]::new('init', 'init', [CompletionResultType]::ParameterValue, 'Write a first configuration file; an existing one is left alone')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print the configuration file as it stands')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Print every setting with its value and where it comes from')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Check the configuration file')
            [CompletionResult]::new('profiles', 'profiles', [CompletionResultType]::ParameterValue, 'List the profiles, the chosen one marked')
            break
        }
        'vescli;config;path' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;config;init' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'Tenant: the first label of the console''s host name')
            [CompletionResult]::new('--cname', '--cname', [CompletionResultType]::ParameterName, 'Domain under which the tenant belongs [default: the tenant]')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds the API token; `-` reads standard input')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;config;show' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;config;explain' {
            [CompletionResult]::new('-e', '-e', [CompletionResultType]::ParameterName, 'Address of the person who gets the link')
            [CompletionResult]::new('--email', '--email', [CompletionResultType]::ParameterName, 'Address of the person who gets the link')
            [CompletionResult]::new('--cname', '--cname', [CompletionResultType]::ParameterName, 'Domain under which the tenant belongs [default: the tenant]')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('--tenant', '--tenant', [CompletionResultType]::ParameterName, 'Tenant: the first label of the console''s host name')
            [CompletionResult]::new('--region', '--region', [CompletionResultType]::ParameterName, 'Region in the URL [default: us-east-1]')
            [CompletionResult]::new('--environment', '--environment', [CompletionResultType]::ParameterName, 'Environment in the URL [default: production]')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace in the URL [default: default]')
            [CompletionResult]::new('--console', '--console', [CompletionResultType]::ParameterName, 'Console that the tenant lives on [default: console.ves.volterra.io]')
            [CompletionResult]::new('--prefix', '--prefix', [CompletionResultType]::ParameterName, 'Prefix in the URL [default: api]')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Everything before /no_auth/send_password_email, used as it stands')
            [CompletionResult]::new('--token-file', '--token-file', [CompletionResultType]::ParameterName, 'File that holds the API token; `-` reads standard input')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate and its chain (PEM)')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Private key of the client certificate (PEM)')
            [CompletionResult]::new('--p12', '--p12', [CompletionResultType]::ParameterName, 'Client certificate and key in one PKCS#12 file')
            [CompletionResult]::new('--p12-bundle', '--p12-bundle', [CompletionResultType]::ParameterName, 'Client certificate and key in one PKCS#12 file')
            [CompletionResult]::new('--p12-password-file', '--p12-password-file', [CompletionResultType]::ParameterName, 'File that holds the password of the PKCS#12 file')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Longest time for one attempt, all of it [default: 30s]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Longest time until the connection is up, TLS included [default: 10s]')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Proxy to tunnel through (http, https or socks5h)')
            [CompletionResult]::new('--proxy', '--proxy', [CompletionResultType]::ParameterName, 'Proxy to tunnel through (http, https or socks5h)')
            [CompletionResult]::new('--noproxy', '--noproxy', [CompletionResultType]::ParameterName, 'Hosts that are reached without the proxy, separated by commas')
            [CompletionResult]::new('--cacert', '--cacert', [CompletionResultType]::ParameterName, 'Certificates (PEM) to trust besides the system''s store')
            [CompletionResult]::new('--resolve', '--resolve', [CompletionResultType]::ParameterName, 'Address to use for a host and port instead of asking DNS; may be given again')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Repeats after a failure that surely mailed nobody; 0 for none [default: 2]')
            [CompletionResult]::new('--max-retry-after', '--max-retry-after', [CompletionResultType]::ParameterName, 'Longest wait that the server may ask for with Retry-After [default: 5m]')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--allow-any-email', '--allow-any-email', [CompletionResultType]::ParameterName, 'Accept an address that the published pattern refuses')
            [CompletionResult]::new('--no-auth', '--no-auth', [CompletionResultType]::ParameterName, 'Send no credential, even when one is configured')
            [CompletionResult]::new('--retry-unknown', '--retry-unknown', [CompletionResultType]::ParameterName, 'Repeat also what may have been sent: somebody may be mailed twice')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;config;check' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;config;profiles' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Configuration file to read; `none` reads no file')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Profile of the configuration file to use')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;explain' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;sandbox' {
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Most requests in a time, such as 30/m (s, m, h; `none` for no limit)')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Write one JSON line for each request received')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--require-auth', '--require-auth', [CompletionResultType]::ParameterName, 'Answer 401 to a request without the sandbox''s own token')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;completions' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'vescli;help' {
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Form of the result on standard output [default: text]')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to colour [default: auto]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Short for --output json')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Say nothing on success, and with --json nothing on standard error')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Show the exchange on standard error, secrets hidden: -v headers, -vv bodies too')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
