# Database servers for the contract suites: sourced, not run, in the repository's root.

started_servers=()
declare -A servers_of_backend=([redis]=redis [mysql]="mariadb mysql" [pgsql]=pgsql
    [mongo]="ferretdb mongojava" [cassa]=cassandra)

# need_servers NAME...   Starts those that do not run, and exports where they are. At exit those that
# were started here are taken down; others stay.
need_servers() {
    local status=0 output name rest
    output="$(tools/servers up "$@")" || status=1
    printf '%s\n' "$output"
    while read -r name rest; do
        [[ $rest != started* ]] || started_servers+=("${name%:}")
    done <<<"$output"
    if ((${#started_servers[@]} > 0)); then
        trap 'tools/servers down "${started_servers[@]}"' EXIT
    fi
    eval "$(tools/servers env)"
    return "$status"
}

# need_servers_of_tests LIST   Those of the contract suites in a list of tests.
need_servers_of_tests() {
    local needed=() backend
    for backend in "${!servers_of_backend[@]}"; do
        # shellcheck disable=SC2206 # several words on purpose
        [[ $1 != *keepmq_backend_${backend}_tests* ]] || needed+=(${servers_of_backend[$backend]})
    done
    ((${#needed[@]} == 0)) || need_servers "${needed[@]}"
}
