import type { Container, FollowOptions, KvsArchive, Recording } from '../../index.js';
import { counted } from '../../wording/counted.js';
import type { CommandContext } from '../command-context.js';
import { EXIT } from '../exit.js';
import { splitRules } from './export.js';

/** Options of `follow -o`. */
interface RecordCommandOptions {
	readonly split?: readonly string[];
	readonly container?: Container;
	readonly json?: boolean;
	readonly followOptions: FollowOptions;
}

/** Records a stream into a directory, and prints each file when it is finished. */
export async function record(
	archive: KvsArchive,
	directory: string,
	{ split, container, json, followOptions }: RecordCommandOptions,
	{ terminal }: CommandContext,
): Promise<number> {
	const onRecording = async (recording: Recording): Promise<void> => {
		if (json) return terminal.writeJson([{ type: 'recording', ...recording }]);
		terminal.sayFragments(recording.failures);
		terminal.sayFragments(recording.notices);
		return terminal.write([recordingLine(recording)]);
	};
	const { isComplete } = await archive.record(directory, {
		...followOptions,
		...(split === undefined ? {} : { split: splitRules(split) }),
		container,
		onRecording,
	});
	return isComplete ? EXIT.done : EXIT.incomplete;
}

function recordingLine({ file, durationMs, fragments, frames, bytes }: Recording): string {
	return `${file}: ${(durationMs / 1000).toFixed(3)} s, ${counted(fragments.length, 'fragment')}, ${counted(frames, 'frame')}, ${counted(bytes, 'byte')}`;
}
