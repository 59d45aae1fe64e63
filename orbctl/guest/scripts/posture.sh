# Tries what an isolated machine should not be able to do. One line for each wall:
# its name, then holds, open or unknown, then what was seen. The last one is a
# control: if it does not answer, the network could not be tried at all.

wall() { printf '%s %s %s\n' "$1" "$2" "$3"; } # wall NAME STATE SEEN
answers() { limited 5 ping -c 1 -W 2 "$1" >/dev/null 2>&1; } # answers HOST
walls() {
	if [ -e /mnt/mac ]; then wall mac_files open /mnt/mac; else wall mac_files holds 'no /mnt/mac'; fi

	if ! have mac; then
		wall mac_command holds 'no command mac'
	elif limited 5 mac true >/dev/null 2>&1; then
		wall mac_command open 'mac true ran on the Mac'
	else
		wall mac_command holds 'mac true failed'
	fi

	agent=
	for socket in "${SSH_AUTH_SOCK-}" /opt/orbstack-guest/run/host-ssh-agent.sock; do
		if [ -n "$socket" ] && [ -S "$socket" ]; then agent=$socket; fi
	done
	if [ -n "$agent" ]; then wall ssh_agent open "$agent"; else wall ssh_agent holds 'no agent socket'; fi

	if [ -S /var/run/docker.sock ] && ! have dockerd; then
		wall docker_socket open /var/run/docker.sock
	else
		wall docker_socket holds 'no Docker socket of others'
	fi

	if ! have ping || ! answers 127.0.0.1; then
		wall mac_network unknown 'there is no ping that works'
		wall control unknown 'the loopback does not answer'
		return
	fi
	# By its address too (docs/orbctl-contract.md §6): that its name leads nowhere is no wall.
	if answers 0.250.250.254 || answers host.orb.internal; then
		wall mac_network open 'the Mac answers'
	else
		wall mac_network holds 'neither 0.250.250.254 nor host.orb.internal answers'
	fi
	wall control holds 'the loopback answers'
}
section posture walls
finish
