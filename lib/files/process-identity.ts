import { readFile, readlink } from 'node:fs/promises';
import { hostname } from 'node:os';

/** What tells a process from every other, of other machines, of other containers, and of other times. */
export interface ProcessIdentity {
	readonly pid: number;
	/** When it was started, in ticks of its machine (proc(5), field 22); `-` where the system does not say. */
	readonly started: string;
	/** Where its number means something: the boot of the machine and the PID namespace of the container. */
	readonly place: string;
	/** For people. */
	readonly host: string;
}

/** Of this process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
	const host = hostname().replace(/[^\w.-]/g, '_') || '-';
	const status = await statusOf(process.pid);
	return { pid: process.pid, started: status?.started ?? '-', place: await placeOf(host), host };
}

/** Whether a process runs; null where that cannot be known from here. */
export async function isRunning({ pid, started, place }: ProcessIdentity): Promise<boolean | null> {
	if (place !== (await ownIdentity()).place) return null;
	try {
		process.kill(pid, 0);
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
	}
	const status = await statusOf(pid);
	// Not every system says more, and some hide the processes of other users.
	if (status === null) return true;
	// Dead, and not waited for: where the first process of a container waits for none, it stays so for ever.
	if (status.isZombie) return false;
	// Containers give the same few numbers out again and again.
	return started === '-' || started === status.started;
}

async function statusOf(pid: number): Promise<{ isZombie: boolean; started: string } | null> {
	const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
	if (status === null) return null;
	const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
	return { isZombie: fields[0] === 'Z', started: fields[19] ?? '-' };
}

async function placeOf(host: string): Promise<string> {
	try {
		const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
		const namespace = await readlink('/proc/self/ns/pid');
		return `${boot}/${namespace.replace(/\D/g, '')}`;
	} catch {
		return `host/${host}`;
	}
}
