const HAS_PROCESS_GROUPS = process.platform !== 'win32';

/** How a child is started that {@link killGroup} is to end: with a group of its own, where the system has groups. */
export const GROUP_OPTIONS = { windowsHide: true, detached: HAS_PROCESS_GROUPS };

/** A child that was started with {@link GROUP_OPTIONS}. */
export interface GroupLeader {
	readonly pid?: number | undefined;
	kill(signal: 'SIGKILL'): boolean;
	once(event: 'exit', listener: () => void): unknown;
}

const running = new Set<GroupLeader>();

/** Has a child end with this process, however this ends by itself: a group of its own is not reached by what ends ours. */
export function endWithProcess(child: GroupLeader): void {
	if (running.size === 0) process.on('exit', killAll);
	running.add(child);
	child.once('exit', () => {
		running.delete(child);
		if (running.size === 0) process.off('exit', killAll);
	});
}

/** Ends a child at once, and what it started: a wrapper around a program ends together with the program. */
export function killGroup(child: GroupLeader): void {
	try {
		if (HAS_PROCESS_GROUPS && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
		else child.kill('SIGKILL');
	} catch {
		// It is gone already.
	}
}

function killAll(): void {
	for (const child of running) killGroup(child);
}
