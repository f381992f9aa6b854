import test from 'ava';
import { checkCodecs } from '#lib/doctor/codecs.js';
import { requestTrouble } from '#lib/doctor/request-trouble.js';
import { RequestError, type Track } from '#lib/index.js';

const video = {
	number: 1,
	type: 'video',
	name: null,
	codecId: 'V_MPEGH/ISO/HEVC',
	codecPrivate: null,
	codec: 'hvc1.1.6.L93.B0',
} as Track;

test('H.265 needs fMP4 and a player that has it', (t) => {
	const found = checkCodecs([video], null).find(({ check }) => check === 'hls');
	t.is(found?.state, 'warning');
	t.regex(found?.advice ?? '', /--container fmp4/);
});

test('a header that cannot be read is a warning', (t) => {
	t.deepEqual(
		checkCodecs(null, null).map(({ check, state }) => `${check} ${state}`),
		['codecs warning'],
	);
});

for (const [awsName, message, cause] of [
	['RequestExpired', 'Request has expired', 'clock'],
	['InvalidSignatureException', 'Signature not yet current: 20260131', 'clock'],
	['ExpiredTokenException', 'The security token included in the request is expired', 'credentials'],
	['NotAuthorizedException', 'not authorized', 'permission'],
] as const) {
	test(`${awsName} is about the ${cause}`, (t) => {
		const details = {
			operation: 'GetClip',
			stream: 'door',
			statusCode: 403,
			requestId: undefined,
			retryable: false,
		};
		const error = new RequestError('KVS_DENIED', `was refused (${awsName}: ${message})`, {
			...details,
			awsName,
			cause: null,
		});
		const trouble = requestTrouble(error, 'GetClip', 'door');
		t.is(trouble.cause, cause);
		t.true(trouble.advice.length > 10);
	});
}

test('an error that is not of a request is rethrown', (t) => {
	t.throws(() => requestTrouble(new TypeError('x'), 'GetClip', 'door'), { instanceOf: TypeError });
});
