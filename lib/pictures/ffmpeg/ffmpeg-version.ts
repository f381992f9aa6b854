import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** How long it may take to print its version, and how much it may print. */
const TIMEOUT_MS = 30_000;
const MAX_BYTES = 65_536;

/**
 * The version of an ffmpeg, `5.1.6-0+deb12u1`; `unknown` where its output has none. Rejects with the system's error where the
 * program cannot be started, and with that of `node:child_process` where it fails.
 *
 * @param path - the program, by its path or its name in the PATH
 */
export async function ffmpegVersion(path: string, signal: AbortSignal): Promise<string> {
	const { stdout } = await promisify(execFile)(path, ['-hide_banner', '-version'], {
		signal,
		timeout: TIMEOUT_MS,
		maxBuffer: MAX_BYTES,
	});
	return /^ffmpeg version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}
