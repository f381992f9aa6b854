import type { Command } from 'commander';
import { choiceOption } from './options/choice-option.js';

/** Adds the options that every command reading a range of a stream has. */
export function withArchiveOptions(command: Command): Command {
	return withRedisOption(withRangeOptions(command));
}

/** Adds the option of commands whose calls count against the stream's quotas. */
export function withRedisOption(command: Command): Command {
	return command.option(
		'--redis <url>',
		"share the stream's quotas with everyone on this Redis: redis://[USER:PASSWORD@]HOST[:PORT], or rediss://",
	);
}

/** Adds the options that name a range of a stream. */
export function withRangeOptions(command: Command): Command {
	return withStreamOptions(command)
		.option(
			'--from <time>',
			'start: ISO 8601 (UTC unless it says otherwise), epoch seconds, or relative (-15m, now)',
		)
		.option(
			'--to <time>',
			'end, likewise; a fragment is in the range if it starts in it, both ends included (default: now)',
		)
		.addOption(choiceOption('--by <clock>', 'whose clock the range means', ['server', 'producer'], 'server'));
}

/** Adds the options that name the time around a moment. */
export function withAroundOptions(command: Command): Command {
	return command
		.option(
			'--around <time>',
			'the time around that moment, in place of --from and --to; waits until it is stored',
		)
		.option('--before <time>', 'how much before it (default: 5s)')
		.option('--after <time>', 'how much after it (default: 10s)')
		.option('--wait <time>', 'how long to wait in all until it is stored (default: 60s)');
}

/** Adds the options that say which stream is meant, and where it is. */
export function withStreamOptions(command: Command): Command {
	return command
		.option('--stream <name>', 'the stream, by name')
		.option('--stream-arn <arn>', 'the stream, by ARN')
		.option(
			'--endpoint <url>',
			"endpoint URL, such as a local archive (default: AWS_ENDPOINT_URL, else the region's)",
		)
		.option('--region <region>', 'AWS region')
		.option('--profile <name>', 'AWS profile')
		.option('--json', 'JSON Lines');
}
