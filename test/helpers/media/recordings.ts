import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { run } from '../tools.js';

const video = ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=4'];
export const tone = (sampleRate: number): string[] => ['-f', 'lavfi', '-i', `sine=d=4:r=${sampleRate}`];
const avc = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '25'];

const hevc = ['-c:v', 'libx265', '-preset', 'ultrafast', '-x265-params', 'log-level=none:keyint=25'];
const late = ['-itsoffset', '1.5'];

/** Recordings that ffmpeg makes, by what is in them. */
export const recordings = {
	'B-frames and AAC': [...video, ...tone(44_100), ...avc, '-bf', '3', '-b_strategy', '0', '-c:a', 'aac'],
	'HEVC and Opus': [...video, ...tone(48_000), ...hevc, '-c:a', 'libopus'],
	'a late video': [...late, ...video, ...tone(8000), '-map', '0:v', '-map', '1:a', ...avc, '-c:a', 'aac'],
	'audio that stops': [...video, '-f', 'lavfi', '-i', 'sine=d=1.5:r=48000', ...avc, '-c:a', 'aac'],
	'16-bit PCM': [...video, ...tone(8000), ...avc, '-bf', '0', '-c:a', 'pcm_s16le'],
	'µ-law': [...video, ...tone(8000), ...avc, '-bf', '0', '-c:a', 'pcm_mulaw'],
} as const;

/** Where recordings stay, for the tests of other threads and later runs too. */
const directory = resolve('build/recordings');
const made = new Map<string, Promise<string>>();

/** Makes one of the recordings as a Matroska file, unless it is there. Tests must not change it. */
export function makeRecording(args: readonly string[]): Promise<string> {
	const key = createHash('sha256').update(JSON.stringify(args)).digest('hex');
	const file = made.get(key) ?? record(args, join(directory, `${key}.mkv`));
	made.set(key, file);
	return file;
}

async function record(args: readonly string[], file: string): Promise<string> {
	if (existsSync(file)) return file;
	await mkdir(directory, { recursive: true });
	// Another thread may make the same one: a file has its name when it is whole.
	const part = file.replace('.mkv', `-${randomUUID()}.mkv`);
	const { code, stderr } = await run('ffmpeg', ['-nostdin', '-v', 'error', '-bitexact', ...args, part]);
	if (code !== 0) throw new Error(`ffmpeg ended with ${code}: ${stderr}`);
	await rename(part, file);
	return file;
}

/** A packet as ffprobe lists it. */
export interface Packet {
	readonly stream: number;
	readonly type: 'video' | 'audio';
	readonly ptsSeconds: number;
	readonly sizeBytes: number;
	readonly isKey: boolean;
}

/** A file's packets, stream by stream, in decode order, and its duration. */
export async function probe(file: string): Promise<{ packets: Packet[]; durationSeconds: number }> {
	const entries = 'packet=codec_type,stream_index,pts_time,size,flags:format=duration';
	const { stdout } = await run('ffprobe', ['-v', 'error', '-show_entries', entries, '-of', 'csv', file]);
	const rows = stdout.split('\n').map((line) => line.split(','));
	const packets = rows
		.filter(([section]) => section === 'packet')
		.map(([, type, stream, pts, size, flags]) => {
			const isKey = flags?.startsWith('K') ?? false;
			const numbers = { stream: Number(stream), ptsSeconds: Number(pts), sizeBytes: Number(size) };
			return { ...numbers, type: type as Packet['type'], isKey };
		});
	const durationSeconds = Number(rows.find(([section]) => section === 'format')?.[1]);
	return { packets: packets.sort((a, b) => a.stream - b.stream), durationSeconds };
}
