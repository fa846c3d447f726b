// Written by `npm run api` from crates/api/openapi.json.

export interface paths {
    "/analyze": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds a job for each story that the analyzer has not read, the newest 500. */
        post: operations["analyze"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/recent": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts of all symbols, newest first. */
        get: operations["listRecentAlerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/alerts/{symbol}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Alerts of one symbol, newest first. */
        get: operations["listAlerts"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/bars/{symbol}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The newest completed sessions of a symbol, newest first: one page. */
        get: operations["listBars"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/events": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Changes as server-sent events: `event` is job, quote, article, sentiment, signal, alert or
         *     limit; `data` is `{"id": …, "at": …}`, the id of what changed.
         * @description A reconnecting client's `Last-Event-ID` resumes exactly where it stopped. `event: reset` says
         *     that this is no longer possible, and everything has to be looked at again. A comment every
         *     15 s keeps the connection open. A browser passes its token as `?access_token=`.
         */
        get: operations["streamEvents"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * Jobs, newest first. A search by text walks from the newest within 300 ms and says how far it
         *     came.
         */
        get: operations["listJobs"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** One job with its attempts and relatives. */
        get: operations["getJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/cancel": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Calls a job off: a waiting one ends at once, a running one is told to stop. */
        post: operations["cancelJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/retry": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Makes a job available now, with one more attempt if its attempts are spent. */
        post: operations["retryJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/jobs/{id}/why": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Why a job is not running: what blocks it, its position, and when it may start. */
        get: operations["explainJob"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/latest-data": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The latest quote of each watched symbol. */
        get: operations["listLatestData"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/limits": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every limit key with its windows. */
        get: operations["listLimits"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/limits/{key}/park": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /**
         * Stops a key on every worker for a while; a longer park wins. A slash in the key is written
         *     as `%2F`.
         */
        post: operations["parkLimit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/limits/{key}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Ends a park. */
        post: operations["resumeLimit"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/news/{symbol}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Articles of a symbol, newest first. */
        get: operations["listNews"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/notices": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /**
         * What people should know before they trust what they see: what the configuration leaves out,
         *     then what a provider has refused until an operator acts.
         */
        get: operations["listNotices"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/queues": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every queue. */
        get: operations["listQueues"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/queues/{name}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        /** Sets how much each process runs at a time; takes effect on every worker within 2 s. */
        patch: operations["changeQueue"];
        trace?: never;
    };
    "/api/queues/{name}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops claims from a queue on every worker; jobs under way go on. */
        post: operations["pauseQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/queues/{name}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a paused queue go on. */
        post: operations["resumeQueue"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/schedules": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every schedule. */
        get: operations["listSchedules"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/schedules/{name}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Stops a schedule from adding jobs. */
        post: operations["pauseSchedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/schedules/{name}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Lets a paused schedule go on. */
        post: operations["resumeSchedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/schedules/{name}/run": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds the schedule's job now, outside its ticks. */
        post: operations["runSchedule"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/sentiment-summary": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The mood of each watched symbol over the last hours. */
        get: operations["listSentimentSummary"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/signals/{symbol}": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** The current signal of a symbol with every term, and a page of its history. */
        get: operations["getSignals"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/workers": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Every process that works jobs. */
        get: operations["listWorkers"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/check-alerts": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds an evaluation of every rule for each watched symbol. */
        post: operations["checkAlerts"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/health": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the process lives; says nothing of the database. */
        get: operations["getHealth"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/jobs": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds a job. With an `Idempotency-Key` a repeated request gets the first answer for 24 h. */
        post: operations["addJob"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/metrics": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Everything that is counted, as Prometheus text. */
        get: operations["getMetrics"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/ready": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        /** Whether the database answers, its schema is current, and this process is not on its way out. */
        get: operations["getReady"];
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/scrape": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get?: never;
        put?: never;
        /** Adds a batch that scrapes the watchlist, or the symbols of the body. */
        post: operations["scrape"];
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        /** @description A job that was added, or the one that was there already. */
        Added: components["schemas"]["Job"] & {
            /** @description Whether the unique key had a job already; then nothing was added. */
            duplicate: boolean;
        };
        /** @description One episode of one rule. */
        Alert: {
            /** Format: date-time */
            acknowledged_at?: string | null;
            acknowledged_by?: string | null;
            /** @description The values that led to it. */
            detail: unknown;
            /** Format: date-time */
            fired_at?: string | null;
            id: string;
            /** @example price_change */
            kind: string;
            /** Format: date-time */
            pending_at?: string | null;
            /** Format: date-time */
            resolved_at?: string | null;
            rule: string;
            severity: components["schemas"]["AlertSeverity"];
            /** Format: date-time */
            snoozed_until?: string | null;
            state: components["schemas"]["AlertState"];
            /**
             * @description `null` where the rule concerns no share.
             * @example AAPL
             */
            symbol?: string | null;
            /** @description One line for people. */
            title: string;
        };
        /** @enum {string} */
        AlertSeverity: "info" | "warning" | "critical";
        /** @enum {string} */
        AlertState: "pending" | "firing" | "resolved";
        Article: {
            /** @description The story it tells; articles of one story count once. */
            cluster: string;
            description?: string | null;
            /** Format: date-time */
            first_seen_at: string;
            /** @description What cleaning found in the text. */
            flags: string[];
            id: string;
            /**
             * Format: int64
             * @description How many articles tell this story, itself included.
             */
            outlets: number;
            /** @description Who told us. */
            provider: string;
            /** Format: date-time */
            published_at: string;
            /**
             * Format: double
             * @description 0 named in passing, 1 its subject.
             */
            relevance: number;
            sentiment?: components["schemas"]["ArticleSentiment"] | null;
            /** @description The outlet. */
            source: string;
            title: string;
            url: string;
        };
        /** @description The reading of an article that counts now. */
        ArticleSentiment: {
            /** Format: date-time */
            analyzed_at: string;
            /** @example lexicon/1 */
            analyzer: string;
            /**
             * Format: double
             * @description 0 to 1.
             */
            confidence: number;
            id: string;
            impact?: string | null;
            key_points: string[];
            label: components["schemas"]["SentimentLabel"];
            /**
             * Format: double
             * @description −1 bearish to 1 bullish.
             */
            score: number;
            summary?: string | null;
        };
        Attempt: {
            /**
             * Format: date-time
             * @description `null` while it runs.
             */
            ended_at?: string | null;
            error?: string | null;
            log: string[];
            /**
             * Format: int32
             * @description 1 for the first.
             */
            number: number;
            /**
             * @description running, completed, failed, panicked, timed_out, undecodable, snoozed, throttled,
             *     released, cancelled or lost.
             */
            outcome: string;
            /** Format: date-time */
            started_at: string;
            worker: string;
        };
        /** @description One session. */
        Bar: {
            close: string;
            /**
             * Format: date
             * @description The exchange's day.
             */
            day: string;
            high: string;
            low: string;
            /** @example 259.44 */
            open: string;
            /** Format: int64 */
            volume: number;
        };
        Counts: {
            /** Format: int64 */
            negative: number;
            /** Format: int64 */
            neutral: number;
            /** Format: int64 */
            positive: number;
            /**
             * Format: int64
             * @description Stories that nobody has read yet.
             */
            unanalyzed: number;
        };
        Health: {
            /** @example api */
            service: string;
            /** @example healthy */
            status: string;
            version: string;
        };
        /** @description One page of a list. */
        Items_Alert: {
            items: components["schemas"]["Alert"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Article: {
            items: components["schemas"]["Article"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Bar: {
            items: components["schemas"]["Bar"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Limit: {
            items: components["schemas"]["Limit"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Notice: {
            items: components["schemas"]["Notice"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Queue: {
            items: components["schemas"]["Queue"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Quote: {
            items: components["schemas"]["Quote"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Schedule: {
            items: components["schemas"]["Schedule"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_SentimentSummary: {
            items: components["schemas"]["SentimentSummary"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_SignalPoint: {
            items: components["schemas"]["SignalPoint"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        /** @description One page of a list. */
        Items_Worker: {
            items: components["schemas"]["Worker"][];
            /** @description Pass as `cursor` for the next page; `null`: this was the last. */
            next_cursor?: string | null;
        };
        Job: {
            args: unknown;
            /**
             * Format: int32
             * @description Attempts made, the one under way included.
             */
            attempt: number;
            /** @description Whether somebody has called off a job that is still running. */
            cancelling: boolean;
            /** Format: date-time */
            created_at: string;
            /** @description The last attempt's error, or why it was cancelled. */
            error?: string | null;
            /** Format: date-time */
            finished_at?: string | null;
            /** @example 4711 */
            id: string;
            /** @example scrape_quotes */
            kind: string;
            lane: string;
            /** Format: int32 */
            max_attempts: number;
            /** @description The job that added it. */
            parent?: string | null;
            /**
             * Format: int32
             * @description 0 (first) to 9 (last).
             */
            priority: number;
            queue: string;
            /**
             * Format: date-time
             * @description When a scheduled or retryable job becomes available.
             */
            scheduled_at?: string | null;
            /** Format: date-time */
            started_at?: string | null;
            state: components["schemas"]["JobState"];
            tags: string[];
            /** @description Of the trace in which it was added. */
            trace_id?: string | null;
            unique_key?: string | null;
            /** @description The process that runs it, or ran it last. */
            worker?: string | null;
        };
        /** @description A job with its history and its relatives. */
        JobDetail: components["schemas"]["Job"] & {
            /** @description Oldest first. */
            attempts: components["schemas"]["Attempt"][];
            /** @description The jobs that it added, at most 1,000. */
            children: string[];
            /** @description The job that added it, and those it waits for. */
            parents: string[];
        };
        JobPage: {
            items: components["schemas"]["Job"][];
            next_cursor?: string | null;
            /**
             * @description The id down to which a search by text came before its time ran out; absent if it saw
             *     everything.
             */
            searched_to?: string | null;
        };
        /**
         * @description Where a job stands.
         * @enum {string}
         */
        JobState: "pending" | "scheduled" | "available" | "parked" | "running" | "retryable" | "completed" | "discarded" | "cancelled";
        Limit: {
            /** @description A call counts from its `start` or until its `finish`. */
            counts_from: string;
            /** Format: int64 */
            in_flight: number;
            /** Format: int64 */
            in_flight_cap?: number | null;
            /** @example alpha_vantage */
            key: string;
            /**
             * Format: date-time
             * @description In the past: now; `null`: once a call in flight has ended.
             */
            next_permit_at?: string | null;
            /** Format: date-time */
            parked_until?: string | null;
            parked_why?: string | null;
            /**
             * Format: int64
             * @description Jobs that wait for it.
             */
            waiting: number;
            windows: components["schemas"]["Window"][];
        };
        /**
         * @description How a part of the outside world is reached when it is not reached as it should be.
         * @enum {string}
         */
        Mode: "simulated" | "off";
        NewJob: {
            /** @description As the kind asks for them; none if left out. */
            args?: unknown;
            /** @example scrape_news */
            kind: string;
            /**
             * Format: int64
             * @description The kind's own if left out, mostly 5.
             */
            max_attempts?: number | null;
            /**
             * Format: int64
             * @description 0 (first) to 9 (last); the kind's own if left out, mostly 4.
             */
            priority?: number | null;
            /**
             * Format: date-time
             * @description Not before this time.
             */
            scheduled_at?: string | null;
            /** @description At most 20, of 64 characters each. */
            tags?: string[] | null;
            /** @description Names the occasion: a second job of the kind under the same key is not added. */
            unique_key?: string | null;
        };
        /** @description Something people should know before they trust what they see. */
        Notice: {
            mode: components["schemas"]["Mode"];
            /** @description One sentence, for example which key is not set. */
            reason: string;
            /**
             * @description The provider or channel.
             * @example newsapi
             */
            subject: string;
        };
        Park: {
            /** @description Shown beside the key. */
            reason?: string | null;
            /**
             * Format: int64
             * @description 1 second to 30 days.
             */
            seconds: number;
        };
        /** @description In milliseconds, over the last hour; `null` without a job in it. */
        Percentiles: {
            /** Format: double */
            p50?: number | null;
            /** Format: double */
            p95?: number | null;
            /** Format: double */
            p99?: number | null;
        };
        /** @description The body of every error answer, `application/problem+json`. */
        Problem: {
            detail: string;
            /** @description The field, parameter or header that does not fit. */
            field?: string | null;
            /** Format: int32 */
            status: number;
            title: string;
            /**
             * @description Stable: `/problems/` and a word per kind of problem.
             * @example /problems/invalid-field
             */
            type: string;
        };
        Queue: {
            /**
             * Format: double
             * @description Over the last five minutes.
             */
            completed_per_minute: number;
            /**
             * Format: int32
             * @description Attempts that each process runs at a time; `null`: as each was started.
             */
            concurrency?: number | null;
            /** @description Jobs in each state. */
            depth: {
                [key: string]: number;
            };
            /** @example scraper */
            name: string;
            /**
             * Format: double
             * @description Of the oldest available job.
             */
            oldest_age_seconds?: number | null;
            paused: boolean;
            /** @description From claimed to ended. */
            run_ms: components["schemas"]["Percentiles"];
            /** @description From available to claimed. */
            wait_ms: components["schemas"]["Percentiles"];
        };
        QueueChange: {
            /**
             * Format: int64
             * @description Attempts that each process runs at a time, 1 to 1,000; `null`: as each was started.
             */
            concurrency?: number | null;
        };
        /** @description A job that a request has called for. */
        Queued: {
            id: string;
            kind: string;
            state: components["schemas"]["JobState"];
        };
        Quote: {
            /**
             * Format: date-time
             * @description When a provider last answered for this symbol.
             */
            as_of?: string | null;
            /**
             * @description Against the previous close, in percent, two decimals.
             * @example -1.27
             */
            change_percent?: string | null;
            currency: string;
            high?: string | null;
            low?: string | null;
            name?: string | null;
            open?: string | null;
            previous_close?: string | null;
            /**
             * @description `null` until a provider has told one.
             * @example 231.45
             */
            price?: string | null;
            /** @description The provider. */
            source?: string | null;
            /**
             * @description The newest session that has begun has no price yet, or nobody has answered for four
             *     trading hours.
             */
            stale: boolean;
            /** @example AAPL */
            symbol: string;
            /**
             * Format: date
             * @description The exchange's day that the price belongs to.
             */
            trading_day?: string | null;
            /** Format: int64 */
            volume?: number | null;
        };
        Ready: {
            /** @example ready */
            status: string;
        };
        Schedule: {
            args: unknown;
            /**
             * @description Five fields, as in crontab.
             * @example *\/30 * * * *
             */
            cron: string;
            kind: string;
            /** Format: date-time */
            last_fire_at?: string | null;
            /** @description The job that the last tick added. */
            last_job?: string | null;
            name: string;
            /** Format: date-time */
            next_fire_at?: string | null;
            paused: boolean;
            /** @example America/New_York */
            zone: string;
        };
        Scrape: {
            /**
             * @description 1 to 100 symbols; the watchlist if left out.
             * @example [
             *       "AAPL"
             *     ]
             */
            symbols?: string[] | null;
        };
        /** @enum {string} */
        SentimentLabel: "negative" | "neutral" | "positive";
        /** @description What the news of a window says about a symbol. Stories count once. */
        SentimentSummary: {
            counts: components["schemas"]["Counts"];
            label?: components["schemas"]["SentimentLabel"] | null;
            /** Format: date-time */
            last_analyzed_at?: string | null;
            /**
             * Format: double
             * @description −1 bearish to 1 bullish, weighted by relevance and confidence; `null` without an analysed
             *     story.
             */
            score?: number | null;
            /** @example AAPL */
            symbol: string;
            window: components["schemas"]["Span"];
        };
        /** @description A signal with all that made it. */
        Signal: components["schemas"]["SignalPoint"] & {
            /** @description What called for it. */
            cause: string;
            /** @description The prices and stories that were read. */
            inputs: unknown;
            /** @description The job that derived it. */
            job?: string | null;
            /** @description Every term, by its name in the formula. */
            terms: unknown;
        };
        /** @enum {string} */
        SignalLabel: "STRONG_BUY" | "BUY" | "HOLD" | "SELL" | "STRONG_SELL";
        /** @description One signal of the history. */
        SignalPoint: {
            /** Format: date-time */
            at: string;
            /**
             * Format: double
             * @description The composite, −1 to 1.
             */
            c?: number | null;
            formula_version: string;
            id: string;
            label?: components["schemas"]["SignalLabel"] | null;
            /**
             * Format: double
             * @description Its price part.
             */
            p?: number | null;
            /**
             * Format: double
             * @description Its quality, 0 to 1.
             */
            q: number;
            /**
             * Format: double
             * @description Its sentiment part.
             */
            s: number;
            /** @description `ok`, or `insufficient_data`: too few prices to say anything, which is not a HOLD. */
            state: string;
        };
        Span: {
            /** Format: date-time */
            from: string;
            /** Format: int64 */
            hours: number;
            /** Format: date-time */
            to: string;
        };
        SymbolSignals: {
            current?: components["schemas"]["Signal"] | null;
            /** @description Newest first, the current one included. */
            history: components["schemas"]["Items_SignalPoint"];
            /** @example AAPL */
            symbol: string;
        };
        /** @description The jobs that a request has called for; one that was waiting already is named again. */
        Triggered: {
            jobs: components["schemas"]["Queued"][];
        };
        Why: {
            /** @description And which of its dimensions. */
            dimension?: string | null;
            /** Format: date-time */
            estimated_start_at?: string | null;
            /** @description The limit key that blocks. */
            key?: string | null;
            /**
             * Format: int64
             * @description Jobs ahead of it: exact to 1,000, then at least that.
             */
            position?: number | null;
            /** @description One sentence for people. */
            reason: string;
            state: components["schemas"]["JobState"];
        };
        Window: {
            /** Format: int64 */
            amount: number;
            /** @description requests, tokens or money. */
            dimension: string;
            /** Format: double */
            period_seconds: number;
            /** Format: int64 */
            remaining: number;
            /** Format: int64 */
            used: number;
        };
        Worker: {
            /**
             * Format: date-time
             * @description Of its last heartbeat.
             */
            beat_at: string;
            /** @description Whether the other workers have declared it dead. */
            dead: boolean;
            id: string;
            /** @example analyzer@host:4711 */
            name: string;
            queues: string[];
            /**
             * Format: int64
             * @description Attempts under way.
             */
            running: number;
            /** Format: date-time */
            started_at: string;
            version: string;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    analyze: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Triggered"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listRecentAlerts: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, default 50. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Alert"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listAlerts: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, default 50. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @example AAPL */
                symbol: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Alert"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listBars: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, default 50. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @example AAPL */
                symbol: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Bar"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    streamEvents: {
        parameters: {
            query?: {
                /** @description the token, where no header can be set */
                access_token?: string;
            };
            header?: {
                /** @description the id of the last event seen */
                "Last-Event-ID"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/event-stream": string;
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listJobs: {
        parameters: {
            query?: {
                state?: components["schemas"]["JobState"];
                kind?: string;
                queue?: string;
                tag?: string;
                /** @description Text that the arguments, the unique key or the last error contain. */
                q?: string;
                /** @description Created at or after. */
                from?: string;
                /** @description Created before. */
                to?: string;
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 500, default 50. */
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobPage"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["JobDetail"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    cancelJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    retryJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Job"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    explainJob: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Why"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLatestData: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Quote"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listLimits: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Limit"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    parkLimit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["Park"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Limit"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeLimit: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Limit"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listNews: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, default 50. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @example AAPL */
                symbol: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Article"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listNotices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Notice"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listQueues: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Queue"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    changeQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["QueueChange"];
            };
        };
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pauseQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeQueue: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Queue"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSchedules: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Schedule"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    pauseSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    resumeSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Schedule"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    runSchedule: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Triggered"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listSentimentSummary: {
        parameters: {
            query?: {
                /** @description How far back, 1 to 168, default 24. */
                hours?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_SentimentSummary"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getSignals: {
        parameters: {
            query?: {
                /** @description `next_cursor` of the page before. */
                cursor?: string;
                /** @description 1 to 200, default 50. */
                limit?: number;
            };
            header?: never;
            path: {
                /** @example AAPL */
                symbol: string;
            };
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["SymbolSignals"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    listWorkers: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Items_Worker"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    checkAlerts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Triggered"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getHealth: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Health"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    addJob: {
        parameters: {
            query?: never;
            header?: {
                /** @description 1 to 255 printable characters */
                "Idempotency-Key"?: string | null;
            };
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": components["schemas"]["NewJob"];
            };
        };
        responses: {
            /** @description The unique key has this job already */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Added"];
                };
            };
            /** @description Added */
            201: {
                headers: {
                    /** @description where to find the job */
                    Location?: string;
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Added"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getMetrics: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "text/plain": string;
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    getReady: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: never;
        responses: {
            /** @description OK */
            200: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Ready"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
    scrape: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody?: {
            content: {
                "application/json": components["schemas"]["Scrape"] | null;
            };
        };
        responses: {
            /** @description Accepted */
            202: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/json": components["schemas"]["Triggered"];
                };
            };
            /** @description What went wrong, as RFC 9457 says it */
            default: {
                headers: {
                    [name: string]: unknown;
                };
                content: {
                    "application/problem+json": components["schemas"]["Problem"];
                };
            };
        };
    };
}
