import type { Command } from 'commander';
import { choiceOption } from '../../options/choice-option.js';
import { append } from '../append.js';

/** Adds the description and the options of `serve`. */
export function withServeOptions(command: Command): Command {
	return command
		.description('run the local archive')
		.option('--port <n>', 'where to listen; 0 picks a free one (default: 4580)')
		.option(
			'--host <host>',
			'address to listen on; one that is not loopback needs --credentials',
			'127.0.0.1',
		)
		.option('--data <dir>', 'where fragments are kept (default: a temporary directory)')
		.option('--ingest <stream=file[@start]>', 'put a recording into a stream; may be given again', append)
		.option('--region <region>', 'region in ARNs', 'us-east-1')
		.option(
			'--retention <hours>',
			'how long streams that --ingest makes keep what producers put into them; 0: not at all (default: 24)',
		)
		.addOption(
			choiceOption(
				'--fsync <on|off>',
				'whether fragments are durable before they are acknowledged',
				['on', 'off'],
				'on',
			),
		)
		.addOption(
			choiceOption(
				'--quotas <aws|off>',
				"enforce the service's quotas and rates, or none",
				['aws', 'off'],
				'off',
			),
		)
		.option(
			'--credentials <key:secret>',
			'accept only requests signed with this key; may be given again; also read from KVS_ARCHIVE_CREDENTIALS',
			append,
		)
		.option('--faults <file>', 'inject faults by the rules of a JSON file (docs/faults.md)')
		.option(
			'--hls-sessions <n>',
			'playback sessions per stream; one more closes the oldest (default: any number)',
		)
		.option('--log', 'one line per request on stderr: time, method, operation, stream, status, bytes, ms')
		.option('--ffmpeg <path>', 'the ffmpeg that GetImages decodes with (default: the one in the PATH)')
		.option('--tls-cert <file>', 'speak HTTPS, with this certificate in PEM')
		.option('--tls-key <file>', 'the private key of --tls-cert, in PEM');
}
