import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type Outcome, run } from '../tools.js';

/** Decodes every track of a file. `stderr` has the messages of ffmpeg of that level and above. */
export function decodeAll(file: string, level: 'warning' | 'error' = 'warning'): Promise<Outcome> {
	return run('ffmpeg', ['-nostdin', '-v', level, '-i', file, '-map', '0', '-f', 'null', '-']);
}

/** The audio of a file as 16-bit PCM, the least significant byte first. */
export async function decodedPcm(file: string): Promise<Buffer> {
	const args = ['-nostdin', '-v', 'error', '-i', file, '-f', 's16le', '-'];
	const { stdout } = await promisify(execFile)('ffmpeg', args, { encoding: 'buffer', maxBuffer: 1e8 });
	return stdout;
}

/** Decodes every track of a file: a hash of what came of each, how many packets there are, and the errors of ffmpeg. */
export async function decodedStreams(
	file: string,
): Promise<{ readonly hashes: readonly string[]; readonly packets: number; readonly stderr: string }> {
	const decoded = ['-map', '0', '-fps_mode', 'passthrough', '-f', 'streamhash', '-hash', 'murmur3', '-'];
	const copied = ['-map', '0', '-c', 'copy', '-f', 'framecrc', '-'];
	const args = ['-nostdin', '-v', 'error', '-threads', '1', '-i', file, ...decoded, ...copied];
	const { stdout, stderr } = await run('ffmpeg', args);
	const lines = stdout.split('\n');
	return {
		hashes: lines.filter((line) => line.includes('murmur3=')),
		packets: lines.filter((line) => /^\d+, /.test(line)).length,
		stderr,
	};
}

/** What came of decoding a file, whole and for three seconds from its third on. */
export interface Decoded {
	/** Of the decoded frames, stream by stream, in order. */
	readonly hashes: readonly string[];
	readonly code: number | null;
	readonly stderr: string;
}

/** Decodes a file, in one process: the start of one takes longer than the decoding. */
export async function decodedHashes(file: string): Promise<Decoded> {
	const whole = ['-map', '0', '-f', 'framehash', '-hash', 'murmur3', '-fps_mode', 'passthrough', '-'];
	const late = ['-map', '1', '-f', 'null', '-'];
	const inputs = ['-threads', '1', '-i', file, '-threads', '1', '-ss', '2', '-t', '3', '-i', file];
	const { code, stdout, stderr } = await run('ffmpeg', [
		'-nostdin',
		'-v',
		'error',
		...inputs,
		...whole,
		...late,
	]);
	const rows = stdout.split('\n').filter((line) => /^\d/.test(line));
	const hashes = rows.map((row) => row.split(',').map((field) => field.trim()));
	hashes.sort((a, b) => Number(a[0]) - Number(b[0]));
	return { hashes: hashes.map((fields) => `${fields[0]} ${fields.at(-1)}`), code, stderr };
}

/** What ffmpeg makes of a file: hashes of decoded video frames and of what was decoded of its audio, in order. */
export interface FrameHashes {
	readonly video: readonly string[];
	readonly audio: readonly string[];
	readonly stderr: string;
	readonly code: number | null;
}

/** `copy`: audio is compared as it is stored, as the decoder of AAC has a memory. */
export async function frameHashes(
	file: string,
	audioCodec: 'copy' | 'pcm_s16le' = 'copy',
): Promise<FrameHashes> {
	const { code, stdout, stderr } = await run('ffmpeg', [
		...'-nostdin -v repeat+warning -threads 1 -i'.split(' '),
		file,
		...`-map 0 -c:a ${audioCodec} -fps_mode passthrough -f framehash -hash murmur3 -`.split(' '),
	]);
	const kinds = new Map([...stdout.matchAll(/^#media_type (\d): (\w+)/gm)].map(([, at, kind]) => [at, kind]));
	const hashes = (wanted: string): string[] =>
		stdout
			.split('\n')
			.map((row) => row.split(',').map((field) => field.trim()))
			.filter(([at, , , , , hash]) => hash !== undefined && kinds.get(at) === wanted)
			.map((fields) => fields[5] as string);
	return { video: hashes('video'), audio: hashes('audio'), code, stderr };
}
