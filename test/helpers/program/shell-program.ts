import { spawnSync } from 'node:child_process';

/**
 * Writes a program for the shell, which can be run at once.
 *
 * Another process writes it: while this one had it open to write, a process that another test starts at that moment
 * would hold it open as well until it is executed, and the program could not be (ETXTBSY).
 */
export function writeShellProgram(path: string, lines: string): void {
	const { status, stderr } = spawnSync('sh', ['-c', 'cat > "$1" && chmod 755 "$1"', 'sh', path], {
		input: `#!/bin/sh\n${lines}\n`,
		encoding: 'utf8',
	});
	if (status !== 0) throw new Error(`cannot write the program ${path}: ${stderr}`);
}
