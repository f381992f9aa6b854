import { run } from './tools.js';

/** Times of a track's packets, in seconds. */
export async function packetTimes(file: string, kind: 'v' | 'a'): Promise<number[]> {
	const args = [
		'-v',
		'error',
		'-select_streams',
		kind,
		'-show_entries',
		'packet=pts_time',
		'-of',
		'csv=p=0',
		file,
	];
	const { stdout } = await run('ffprobe', args);
	return stdout
		.trim()
		.split(/[,\n]+/)
		.filter((text) => text !== '')
		.map(Number)
		.sort((a, b) => a - b);
}
