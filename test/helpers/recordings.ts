import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { hasTool, type Outcome, run } from './tools.js';

const picture = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4'];
export const tone = (sampleRate: number): string[] => ['-f', 'lavfi', '-i', `sine=d=4:r=${sampleRate}`];
const avc = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25'];

const hevc = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=25'];
const late = ['-itsoffset', '1.5'];

/** Recordings that ffmpeg makes, by what is in them. */
export const recordings = {
	'B-frames and AAC': [...picture, ...tone(44_100), ...avc, '-bf', '3', '-b_strategy', '0', '-c:a', 'aac'],
	'HEVC and Opus': [...picture, ...tone(48_000), ...hevc, '-c:a', 'libopus'],
	'a late picture': [...late, ...picture, ...tone(8000), '-map', '0:v', '-map', '1:a', ...avc, '-c:a', 'aac'],
	'sound that stops': [...picture, '-f', 'lavfi', '-i', 'sine=d=1.5:r=48000', ...avc, '-c:a', 'aac'],
	'16-bit PCM': [...picture, ...tone(8000), ...avc, '-bf', '0', '-c:a', 'pcm_s16le'],
	'µ-law': [...picture, ...tone(8000), ...avc, '-bf', '0', '-c:a', 'pcm_mulaw'],
} as const;

/** Makes one of the recordings as a Matroska file; null where there is no ffmpeg, for the test to return. */
export async function makeRecording(
	t: ExecutionContext,
	directory: string,
	args: readonly string[],
): Promise<string | null> {
	if (!hasTool(t, 'ffmpeg')) return null;
	const file = join(directory, 'source.mkv');
	const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-bitexact', ...args, file]);
	t.is(code, 0, stderr);
	return file;
}

/** Decodes a file to nothing: what ffmpeg has to say about it. */
export function decode(file: string, before: readonly string[] = []): Promise<Outcome> {
	return run('ffmpeg', ['-nostdin', '-v', 'error', ...before, '-i', file, '-map', '0', '-f', 'null', '-']);
}

/** Hashes of a file's decoded frames, stream by stream, in order. */
export async function decodedHashes(file: string): Promise<string[]> {
	const args = ['-map', '0', '-f', 'framehash', '-hash', 'md5', '-fps_mode', 'passthrough', '-'];
	const { stdout } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-i', file, ...args]);
	const rows = stdout.split('\n').filter((line) => /^\d/.test(line));
	const hashes = rows.map((row) => row.split(',').map((field) => field.trim()));
	hashes.sort((a, b) => Number(a[0]) - Number(b[0]));
	return hashes.map((fields) => `${fields[0]} ${fields.at(-1)}`);
}

/** A packet as ffprobe lists it. */
export interface Packet {
	readonly stream: number;
	readonly ptsSeconds: number;
	readonly sizeBytes: number;
	readonly isKey: boolean;
}

/** A file's packets, stream by stream, in decode order. */
export async function packetsOf(file: string): Promise<Packet[]> {
	const entries = 'packet=stream_index,pts_time,size,flags';
	const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'csv=p=0', file]);
	const packets = stdout
		.split('\n')
		.filter((line) => line !== '')
		.map((line) => {
			const [stream, pts, size, flags] = line.split(',');
			const isKey = flags?.startsWith('K') ?? false;
			return { stream: Number(stream), ptsSeconds: Number(pts), sizeBytes: Number(size), isKey };
		});
	return packets.sort((a, b) => a.stream - b.stream);
}

/** Duration of a file by ffprobe, in seconds. */
export async function durationSeconds(file: string): Promise<number> {
	const { stdout } = await run('ffprobe', [
		'-v',
		'error',
		'-show_entries',
		'format=duration',
		'-of',
		'csv=p=0',
		file,
	]);
	return Number(stdout);
}
