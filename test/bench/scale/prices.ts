/*
 * Prices of AWS in us-east-1, on demand, in US dollars. None was looked up live: each has the place and the date it was read at, in
 * stored copies of public pages, in November 2026. Look them up before money depends on them.
 */

/** Hours of a month, as AWS's calculator has them. */
export const HOURS_A_MONTH = 730;

export const PRICES = {
	/** Examples of aws.amazon.com/kinesis/video-streams/pricing ("US East"; a stored copy without a date). */
	videoIngestedGb: 0.0085,
	videoReadGb: 0.0085,
	videoStoredGbMonth: 0.023,
	/** Linux on ARM: vantage.sh/blog/fargate-pricing; that of x86 agrees with cloudburn.io and wring.co of March and April 2026. */
	fargateVcpuHour: 0.03238,
	fargateGbHour: 0.00356,
	/** ARM, first tier: cloudchipr.com/blog/aws-lambda-pricing of 2024, and two others. */
	lambdaGbSecond: 0.000_013_333_4,
	lambdaMillionRequests: 0.2,
	/** A cache.m7g.large node of Valkey: NOT VERIFIED, no stored page has it. BullMQ cannot use serverless caches (docs.bullmq.io, "AWS Elasticache"). */
	valkeyNodeHour: 0.1264,
} as const;
