import { run } from '../tools.js';

/** Times of the packets of a file, in seconds: of its video and of its audio. */
export async function packetTimes(
	file: string,
): Promise<{ readonly video: number[]; readonly audio: number[] }> {
	const entries = ['-show_entries', 'packet=codec_type,pts_time', '-of', 'csv=p=0'];
	const { stdout } = await run('ffprobe', ['-v', 'error', ...entries, file]);
	const rows = stdout.split('\n').map((line) => line.split(','));
	const times = (type: string): number[] =>
		rows
			.filter(([kind]) => kind === type)
			.map(([, time]) => Number(time))
			.sort((a, b) => a - b);
	return { video: times('video'), audio: times('audio') };
}
