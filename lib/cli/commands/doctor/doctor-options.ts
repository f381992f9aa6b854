import type { Command } from 'commander';
import { withStreamOptions } from '../../stream-options.js';

/** Adds the description and the options of `doctor`. */
export function withDoctorOptions(command: Command): Command {
	return withStreamOptions(
		command.description('check all that reading a stream needs, and say what to do about what is wrong'),
	)
		.option('--ffmpeg <path>', 'the ffmpeg to look for (default: the one in the PATH)')
		.addHelpText(
			'after',
			`
Checks credentials, region, endpoint, clock, each operation that commands need, retention, what is stored, and what
its codecs mean for export, HLS and pictures; by calls that change nothing. Exit status 1 where something stops reading.`,
		);
}
