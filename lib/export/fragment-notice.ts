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
	return byTrack(outliers).map(({ track, count, time }) =>
		count === 1
			? `a frame of track ${track} has a wrong time, ${time}, and was put where it belongs`
			: `${count} frames of track ${track} have wrong times, the first ${time}, and were put where they belong`,
	);
}

/** What is to be said of frames that are damaged as can be seen without a decoder: a line for each track. */
export function brokenNotices(broken: readonly Frame[]): string[] {
	return byTrack(broken).map(({ track, count, time }) =>
		count === 1
			? `a frame of track ${track} is damaged at ${time}: its NAL units do not add up to its size`
			: `${count} frames of track ${track} are damaged, the first at ${time}: their NAL units do not add up to their sizes`,
	);
}

function byTrack(all: readonly Frame[]): { track: number; count: number; time: string }[] {
	const numbers = new Set(all.map(({ track }) => track.number));
	return [...numbers].map((number) => {
		const frames = all.filter(({ track }) => track.number === number);
		const [first] = frames as [Frame];
		const time = first.timestamp?.toISOString() ?? `${Number(first.timecodeNs) / 1e9} s`;
		return { track: number, count: frames.length, time };
	});
}
