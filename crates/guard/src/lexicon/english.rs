//! English words.

use super::Concept::{
    All, Ask, Earlier, Instructions, Limitless, Limits, Others, Override, Owner, Pretend, Prompt,
    Repeat, Reveal, Said, Secret, Task, Told, Transform, Verbatim, WeakOverride, Yours,
};
use super::{Language, Order};

pub(super) static ENGLISH: Language = Language {
    order: Order::VerbFirst,
    spaced: true,
    words: &[
        (
            Override,
            "ignore$|disregard$|forget$|override$|overrule$|bypass$|discard$|dismiss$|neglect$|abandon$|disobey$|\
             nullify$|unlearn$|do not follow$|don't follow$|dont follow$|do not obey$|don't obey$|do not comply with$|\
             do not adhere to$|stop following$|stop obeying$|stop adhering to$|no longer follow$|no longer obey$|\
             pay no attention to$|pay no heed to$|take no notice of$|set aside$|put aside$|throw away$|throw out$|\
             never mind$|leave aside$|stop caring about$",
        ),
        (
            WeakOverride,
            "drop$|skip$|erase$|cancel$|delete$|remove$|clear$|wipe$|purge$|break$|violate$|scrap$|lift$|suspend$|\
             revoke$|overwrite$|circumvent$|reset$|void$|disable$",
        ),
        (
            Instructions,
            "instruction|directive$|directives$|guideline|prompt$|prompts$|directions$|guardrail",
        ),
        (
            Limits,
            "rule$|rules$|restriction|constraint|policy$|policies$|command$|commands$|orders$|limitation|protocols$|\
             your programming$|your training$|original programming$|filters$|safeguard|boundaries$|moderation$",
        ),
        (
            Said,
            "text$|message$|messages$|conversation|context$|content$|words$|everything$|anything$|chat$|inputs$|\
             discussion$|sentences$|lines$",
        ),
        (
            Prompt,
            "system prompt|system instruction|system message|system directive|system rules$|sys prompt|sysprompt|\
             initial prompt|initial instruction|initial message|initial directive|initial rules$|original prompt|\
             original instruction|hidden prompt|hidden instruction|hidden rules$|hidden message|hidden configuration$|\
             secret instruction|secret prompt|secret rules$|internal instruction|internal prompt|internal rules$|\
             internal guideline|internal configuration$|first prompt|first instruction|starting prompt|\
             starting instruction|base prompt|confidential instruction|confidential prompt|custom instruction|\
             developer message|developer prompt|developer instruction|configuration prompt|core instruction|\
             core directive|pre-prompt|preprompt|pre prompt|prompt instructions$|underlying prompt|\
             underlying instruction|initialization string|initialization prompt|guidelines from the developer|\
             rules from the developer|instructions from the developer|metaprompt|meta prompt|full prompt$|\
             prompt text$|prompt above$|initial configuration$|your system configuration$|\
             full system configuration$|entire system configuration$|initial context$",
        ),
        (
            Told,
            "you were told$|you were given$|you have been given$|you've been given$|you have been told$|\
             you've been told$|told you$|given to you$|you were taught$|you know$|you learned$|you've learned$|\
             you have learned$|you were instructed$|you have been instructed$|you've been instructed$|\
             you were programmed$|you have been programmed$|you received$|you have received$|you were trained$|\
             you were configured$|you are following$|you follow$|were you told$|were you given$|\
             have you been given$|have you been told$|did you receive$|were you instructed$|are you told$|\
             that came before$|that preceded$",
        ),
        (
            Task,
            "your current task$|your task$|your previous task$|your original task$|your current assignment$|\
             your original purpose$|your original goal$|your previous role$|your current role$",
        ),
        (
            Earlier,
            "previous|prior$|above$|earlier$|preceding$|before$|former$|foregoing$|initial$|original$|existing$|\
             current$|past$|so far$|up to now$|until now$|up to this point$|aforementioned$|pre-existing$",
        ),
        (Yours, "your$|ur$|yourself$"),
        (Others, "my$|our$|his$|her$|their$|its$|a$|an$|some$|example|sample$|user's$|customer's$"),
        (
            Owner,
            "system$|developer$|developers$|developer's$|developers'$|openai|anthropic$|google's$|safety$|ethical$|\
             ethics$|core$|hidden$|secret$|internal$|built-in$|programmed$|creator|admin$|administrator|ai$|model$",
        ),
        (All, "all$|any$|every$|each$|everything$|whatever$|entire$|whole$|anything$|both$|rest$"),
        (
            Reveal,
            "reveal$|show$|print$|output$|display$|tell$|give$|disclose$|expose$|share$|send$|paste$|leak$|provide$|\
             write$|put$|return$|dump$|list$|state$|say$|type$|divulge$|present$|produce$|export$|copy$|include$|\
             append$|post$|recite$|repeat$|render$|read$|quote$|publish$|verifying$|lyrics are$",
        ),
        (
            Repeat,
            "repeat$|recite$|echo$|print$|output$|reproduce$|replay$|regurgitate$|dump$|copy$|spit out$|write out$|\
             type out$|display$|reveal$",
        ),
        (
            Transform,
            "translate$|summarise$|summarize$|encode$|rewrite$|paraphrase$|spell$|rephrase$|convert$|describe$|\
             explain$|rot13$|reverse$|outline$",
        ),
        (Ask, "what$|what's$|whats$|which$|where$"),
        (
            Secret,
            "secret key$|secret password$|secret word$|secret code$|secret phrase$|password you|key you|\
             credentials stored in your|api key you|passphrase you|secrets you|confidential information you",
        ),
        (
            Verbatim,
            "verbatim$|word for word$|word-for-word$|exactly$|exact$|literally$|in full$|code block$|\
             letter by letter$|character by character$|base64$|rot13$|as is$|omit nothing$|backwards$",
        ),
        (
            Pretend,
            "pretend|act as$|act like$|acting as$|you are now$|you're now$|you will now$|you will be$|\
             you are going to$|you're going to$|role-play|roleplay|role play|from now on$|from this point$|\
             from this moment$|simulate$|simulating$|imagine$|respond only as$|respond as$|answer as$|reply as$|\
             responding as$|stay in character$|play the role$|playing the role$|in the role$|take on the role$|\
             take the role$|assume the role$|assume the persona$|take on the persona$|persona$|immerse yourself$|\
             you are an ai$|you are a chatbot$|you are an unrestricted$|you are an uncensored$|\
             you are an unfiltered$|hypothetical|fictional$|let's play$|switch to$|\
             character named$|become$|alter ego$|evil twin$|you go by$|behave as$|behave like$|\
             speak as$|you're an ai$|as an ai$|in character as$|acting like$|in the voice of$|you play$|you will play$",
        ),
        (
            Limitless,
            "no restriction|without restriction|without any restriction|without any ethical|no ethical|no moral|\
             without ethical|without moral|without any moral|unrestricted$|uncensored$|unfiltered$|no filter$|\
             no filters$|without filter|without any filter|without any content filter|no content filter|never refuse|\
             cannot refuse|can't refuse|not refuse|no censorship|no safety|without safety|without any safety|\
             no limitation|without limitations|ai without limitation|respond without limitation|\
             answer without limitation|without any limitation|no content polic|no guidelines$|not bound by$|\
             not bound to$|freed from$|broken free$|break free of|free from all|free of all|free from any|unbound by$|\
             amoral$|no morals$|no ethics$|without ethics$|no laws exist|ignores all|no longer bound|\
             do anything now$|do anything$|hates disclaimers|no disclaimer|without disclaimer|without any disclaimer|\
             without warning|no matter how illegal|no matter how unethical|no matter how dangerous|\
             no matter how harmful|regardless of legality|legal or not$|illegal or unethical|unethical or illegal|\
             immoral, unethical|unethical, immoral|illegal, unethical|unethical, illegal|inhumane|illegal things|\
             including illegal|no guardrails|without guardrails|jailbroken$|hides nothing|policy is suspended|\
             policies are suspended|refusing is impossible|follows any order|follow any order|comply with any|\
             never mentions ethics|never say no$|doesn't care about ethic|does not care about ethic|\
             disregards ethic|disregard ethic|regardless of ethic|regardless of the ethic|regardless of moral|\
             ignoring ethic|bypass all|bypassed all|avoid norms|anti-restrictions|without limits$|no limits$|has no limit|\
             no rules$|without rules$|without any rules|without any limits|without censorship|can't say no|\
             cannot say no|does not follow openai|not follow openai|ignore openai|openai policies|\
             openai's polic|openai's rules|openai's content|content policies|safety layers are off|\
             safety is off|filters are off|filters off$",
        ),
    ],
};
