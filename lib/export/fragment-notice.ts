import type { Frame } from '../model/media-event.js';
import type { ExportedFragment } from './export-manifest.js';

/** Something that is not as it should be in a fragment that was written all the same. */
export interface FragmentNotice {
	readonly fragmentNumber: string | null;
	/** One line. */
	readonly message: string;
}

/** What a manifest or a journal says against a fragment that was written. */
export function noticesOf({ fragmentNumber, notices = [] }: ExportedFragment): FragmentNotice[] {
	return notices.map((message) => ({ fragmentNumber, message }));
}

/** What is to be said of frames whose times were wrong: a line for each track. */
export function outlierNotices(outliers: readonly Frame[]): string[] {
	const numbers = new Set(outliers.map(({ track }) => track.number));
	return [...numbers].map((number) => {
		const frames = outliers.filter(({ track }) => track.number === number);
		const [first] = frames as [Frame];
		const time = first.timestamp?.toISOString() ?? `${Number(first.timecodeNs) / 1e9} s`;
		return frames.length === 1
			? `a frame of track ${number} has a wrong time, ${time}, and was put where it belongs`
			: `${frames.length} frames of track ${number} have wrong times, the first ${time}, and were put where they belong`;
	});
}
