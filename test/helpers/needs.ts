import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import test, { type Implementation } from 'ava';

const samples = resolve(process.env['KVS_SAMPLES'] ?? '../shared/samples');

/** Path of a real capture, by its file name. For tests that are declared to need it. */
export function sample(name: string): string {
	return join(samples, name);
}

/**
 * Declares tests that need programs, `boto3`, or captures (`NAME.mkv`). Where one of them is missing they are skipped, and
 * their titles say why; in CI, which installs all programs, a missing one is a failure. Those of a file run one after the
 * other: each starts programs that take all processors there are.
 */
export function testWith(
	...needs: readonly string[]
): (title: string, implementation: Implementation<[]>) => void {
	return (title, implementation) => {
		const missing = needs.filter((need) => !isThere(need));
		if (missing.length === 0) return test.serial(title, implementation);
		if (process.env['CI'] === 'true' && missing.some((need) => !isSample(need))) {
			return test.serial(title, (t) => t.fail(`missing: ${missing.join(', ')}`));
		}
		return test.skip(`${title} (missing: ${missing.join(', ')})`, implementation);
	};
}

/** Where Debian has its Chromium. */
export const CHROMIUM = '/usr/bin/chromium';

/** Tests of the usual needs; ffprobe comes with ffmpeg. */
export const withFfmpeg = testWith('ffmpeg', 'ffprobe');
export const withBoto3 = testWith('boto3');
export const withChromium = testWith(CHROMIUM, 'ffmpeg');

const found = new Map<string, boolean>();

function isThere(need: string): boolean {
	const known = found.get(need);
	if (known !== undefined) return known;
	const isFound = isSample(need) ? existsSync(sample(need)) : need === 'boto3' ? hasBoto3() : isProgram(need);
	found.set(need, isFound);
	return isFound;
}

function isSample(need: string): boolean {
	return need.endsWith('.mkv');
}

function hasBoto3(): boolean {
	return pythons.some(
		(python) => spawnSync(python, ['-c', 'import boto3'], { stdio: 'ignore' }).status === 0,
	);
}

/** Where a Python may be that has boto3: the system's, and that of a virtual environment. */
export const pythons = ['/usr/bin/python3', 'python3'] as const;

/** Looks for the program only: to start each would take longer than many a test. */
function isProgram(name: string): boolean {
	const directories = isAbsolute(name) ? [''] : (process.env['PATH'] ?? '').split(delimiter);
	return directories.some((directory) => {
		try {
			accessSync(join(directory, name), constants.X_OK);
			return true;
		} catch {
			return false;
		}
	});
}
