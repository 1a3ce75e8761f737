# shellcheck shell=bash disable=SC2154
# A node with our images, by inside.sh, and a shell in there: to try by hand what the documents say.

step "shell: node"
whole_node
start_metrics_server
mkdir "$work/bin"
[ ! -x "$cache/bin/kubectl" ] || ln -s "$cache/bin/kubectl" "$work/bin/kubectl" # otherwise the machine's is new enough
step "shell: kubectl is set up; the programs' logs are in $work/log; all ends with the shell"
(cd "$here/../../.." && PATH=$work/bin:$PATH exec bash) || true
